// SPDX-License-Identifier: Apache-2.0

package images

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// Files of an image.
const (
	bzImageFile    = "bzImage"
	vmlinuxFile    = "vmlinux"
	systemMapFile  = "System.map"
	configFile     = "config"
	provenanceFile = "provenance.json"
	manifestFile   = "manifest.json"
	stampFile      = "stamp.json"
)

// Provenance says how an image came to be. It is stored beside it as
// provenance.json and belongs into every report.
type Provenance struct {
	Key    string           `json:"key"`
	Recipe int              `json:"recipe"`
	Source SourceInfo       `json:"source"`
	Series SeriesProvenance `json:"series"`
	// Mutants that the kernel can be told to behave like.
	Mutants []MutantProvenance `json:"mutants,omitempty"`
	// Instruments are ringproof's own changes that are meant for the flavour, in
	// or not.
	Instruments  []InstrumentProvenance `json:"instruments,omitempty"`
	Flavour      string                 `json:"flavour"`
	ConfigSHA256 string                 `json:"config_sha256"` // of the resulting .config
	Toolchain    string                 `json:"toolchain"`
	Host         string                 `json:"host"` // operating system, architecture, CPUs it was built with
	Started      time.Time              `json:"started"`
	// Duration of the build in seconds, waiting for locks included.
	Duration float64 `json:"duration_s"`
	// Warnings of the compiler; only files compiled for this image give any.
	Warnings []string `json:"warnings,omitempty"`
}

// SeriesProvenance names the patches on the source.
type SeriesProvenance struct {
	Name    string  `json:"name"`
	ID      string  `json:"id"` // hash of what the patches change, without their messages
	Patches []Patch `json:"patches"`
	Origin
}

func (s *Series) provenance() SeriesProvenance {
	return SeriesProvenance{Name: s.Name, ID: s.ID, Patches: s.Patches, Origin: s.Origin}
}

func (r *request) provenance(started time.Time) Provenance {
	return Provenance{
		Key: r.key, Recipe: recipe,
		Source:    r.source.SourceInfo,
		Series:    r.series.provenance(),
		Mutants:   r.mutantsProvenance(),
		Flavour:   r.flavour.Name,
		Toolchain: r.toolchain,
		Host:      fmt.Sprintf("%s/%s, %d CPUs", runtime.GOOS, runtime.GOARCH, runtime.NumCPU()),
		Started:   started.UTC().Round(time.Second),
		Duration:  time.Since(started).Round(time.Millisecond).Seconds(),
	}
}

func (r *request) mutantsProvenance() (all []MutantProvenance) {
	for i, m := range r.Mutants {
		all = append(all, MutantProvenance{Number: i + 1, Name: m.Name, SHA256: m.SHA256})
	}
	return all
}

// manifest lists an image's files with their checksums. It is written last.
type manifest struct {
	Files map[string]fileSum `json:"files"`
}

type fileSum struct {
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// storeImage copies a build's results into the store. The caller holds the
// lock of making the image. Nothing is seen under the image's name before all
// of it is on disk.
func (s *Store) storeImage(obj, key string, prov Provenance) error {
	dir := s.imageDir(key)
	tmp := filepath.Join(filepath.Dir(dir), tmpPrefix+key)
	if err := os.RemoveAll(tmp); err != nil {
		return err
	}
	if err := os.MkdirAll(tmp, 0o755); err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	m := manifest{Files: map[string]fileSum{}}
	for name, from := range map[string]string{
		bzImageFile:   filepath.Join("arch", srcArch(), "boot", "bzImage"),
		vmlinuxFile:   "vmlinux",
		systemMapFile: "System.map",
		configFile:    ".config",
	} {
		to := filepath.Join(tmp, name)
		if err := copyFile(to, filepath.Join(obj, from), true); err != nil {
			return err
		}
		sum, size, err := hashFile(to)
		if err != nil {
			return err
		}
		m.Files[name] = fileSum{size, sum}
	}
	prov.ConfigSHA256 = m.Files[configFile].SHA256
	if err := writeJSON(filepath.Join(tmp, provenanceFile), prov); err != nil {
		return err
	}
	sum, size, err := hashFile(filepath.Join(tmp, provenanceFile))
	if err != nil {
		return err
	}
	m.Files[provenanceFile] = fileSum{size, sum}
	if err := writeJSON(filepath.Join(tmp, manifestFile), m); err != nil {
		return err
	}
	if err := writeStamp(tmp); err != nil {
		return err
	}
	if err := syncDir(tmp); err != nil {
		return err
	}
	damaged := filepath.Join(filepath.Dir(dir), gonePrefix+key)
	if err := os.Rename(dir, damaged); err == nil {
		defer os.RemoveAll(damaged)
	}
	if err := os.Rename(tmp, dir); err != nil {
		return err
	}
	return syncDir(filepath.Dir(dir))
}

// openImage opens a stored image and verifies it: everything but vmlinux by
// its checksum each time. vmlinux is large (175 MB, about a second), so its
// checksum is only computed where the file does not look as it did when it
// was last verified (device, inode, size, modification and change time).
// [Store.Verify] always computes it.
func openImage(dir string) (*Kernel, error) {
	var m manifest
	if err := readJSON(filepath.Join(dir, manifestFile), &m); err != nil {
		return nil, err
	}
	for _, name := range []string{bzImageFile, vmlinuxFile, configFile, provenanceFile} {
		if _, ok := m.Files[name]; !ok {
			return nil, fmt.Errorf("%s does not list %s", manifestFile, name)
		}
	}
	for _, name := range keys(m.Files) {
		if name == vmlinuxFile && looksVerified(dir) {
			continue
		}
		if err := verifyFile(filepath.Join(dir, name), m.Files[name]); err != nil {
			return nil, err
		}
		if name == vmlinuxFile {
			if err := writeStamp(dir); err != nil && !errors.Is(err, os.ErrPermission) {
				return nil, err
			}
		}
	}
	k := &Kernel{Dir: dir, BzImage: filepath.Join(dir, bzImageFile), Vmlinux: filepath.Join(dir, vmlinuxFile), Config: filepath.Join(dir, configFile)}
	if err := readJSON(filepath.Join(dir, provenanceFile), &k.Provenance); err != nil {
		return nil, err
	}
	return k, nil
}

func verifyFile(path string, want fileSum) error {
	st, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("damaged: %s", err) // not ErrNotExist: the entry is there, but not whole
	}
	if st.Size() != want.Size {
		return fmt.Errorf("%s has %d bytes instead of %d", path, st.Size(), want.Size)
	}
	got, _, err := hashFile(path)
	if err == nil && got != want.SHA256 {
		err = fmt.Errorf("%s was altered: its SHA-256 is not that of when it was stored", path)
	}
	return err
}

// The stamp holds what vmlinux looked like when its checksum was right.
func looksVerified(dir string) bool {
	var was string
	st, err := os.Stat(filepath.Join(dir, vmlinuxFile))
	return err == nil && readJSON(filepath.Join(dir, stampFile), &was) == nil && was == stamp(st)
}

func writeStamp(dir string) error {
	st, err := os.Stat(filepath.Join(dir, vmlinuxFile))
	if err != nil {
		return err
	}
	return writeJSON(filepath.Join(dir, stampFile), stamp(st))
}

// Verify computes all checksums of a stored image.
func (s *Store) Verify(key string) error {
	dir := s.imageDir(key)
	if err := os.Remove(filepath.Join(dir, stampFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return s.infra("verify image "+key, err)
	}
	_, err := openImage(dir)
	return err
}

// cutID splits a source ID into its kind and its hash.
func cutID(id string) (kind, hash string, ok bool) { return strings.Cut(id, "-") }
