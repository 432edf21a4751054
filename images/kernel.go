// SPDX-License-Identifier: Apache-2.0

package images

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/ringproof/ringproof/kconfig"
)

// request is a Spec with everything looked up that its key depends on.
type request struct {
	Spec
	source    *source
	series    *Series
	flavour   kconfig.Flavour
	settings  []kconfig.Setting
	toolchain string
	result    string // names what the series makes of the source, see resultID
	key       string

	instruments []*instrument // meant for the flavour, wanted or not
}

// Kernel returns the image for spec, building it if the store has none. The
// caller closes it. Cancelling ctx stops a build and everything it started.
func (s *Store) Kernel(ctx context.Context, spec Spec, progress Progress) (*Kernel, error) {
	r, err := s.keyed(ctx, spec, progress)
	if err != nil {
		return nil, err
	}
	cached := true
	for range 3 { // another process may prune it between the two locks
		k, err := s.lookup(ctx, r, progress)
		if err != nil || k != nil {
			if k != nil {
				k.Cached = cached
			}
			return k, err
		}
		cached = false
		if err := s.build(ctx, r, progress); err != nil {
			return nil, err
		}
	}
	return nil, &InfraError{Op: "build the kernel", Err: errors.New("the image keeps disappearing"), Advice: "Is another process emptying the cache?"}
}

// Key returns the key of the image for spec without building it. It unpacks
// the source where it was not known yet what the series makes of it.
func (s *Store) Key(ctx context.Context, spec Spec, progress Progress) (string, error) {
	r, err := s.keyed(ctx, spec, progress)
	if err != nil {
		return "", err
	}
	return r.key, nil
}

// keyed is a request with its key. A series that does not apply is found here,
// before anything is waited for.
func (s *Store) keyed(ctx context.Context, spec Spec, p Progress) (*request, error) {
	r, err := s.request(ctx, spec.withDefaults(), p)
	if err != nil {
		return nil, err
	}
	if r.result, err = s.resultID(ctx, r, p); err != nil {
		return nil, err
	}
	r.key = r.computeKey()
	return r, nil
}

func (s *Store) request(ctx context.Context, spec Spec, p Progress) (*request, error) {
	r := &request{Spec: spec}
	var err error
	if r.flavour, err = kconfig.ByName(spec.Flavour); err != nil {
		return nil, &SpecError{What: "flavour", Value: spec.Flavour, Err: err}
	}
	if r.settings, err = r.flavour.Settings(); err != nil {
		return nil, err
	}
	if r.instruments, err = instruments(spec.Flavour); err != nil {
		return nil, err
	}
	if r.series, err = spec.LoadSeries(ctx); err != nil {
		return nil, err
	}
	if r.toolchain, err = s.toolchain(ctx); err != nil {
		return nil, err
	}
	if r.source, err = s.resolve(ctx, spec.Source, p); err != nil {
		return nil, err
	}
	if spec.ThreeWay {
		if r.series, err = s.threeWay(ctx, r, p); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// computeKey hashes all inputs. The series goes in as what it makes of the source: the
// same change is the same image however it is cut into patches. The configuration goes in
// as fragments: with source, series and compiler they decide what olddefconfig makes of them.
func (r *request) computeKey() string {
	h := sha256.New()
	fmt.Fprintf(h, "recipe %d\nsource %s\nseries %s\ntoolchain %q\nconfig %q\n",
		recipe, r.source.ID, r.result, r.toolchain, kconfig.Format(r.settings))
	for _, o := range r.flavour.Overlays {
		fmt.Fprintf(h, "overlay %q %q\n", o.Path, o.Append)
	}
	for _, in := range r.instruments {
		if !r.NoInstrument {
			fmt.Fprintf(h, "instrument %s\n", in.id)
		}
	}
	for _, m := range r.Mutants {
		fmt.Fprintf(h, "mutant %s\n", m.id)
	}
	return hex.EncodeToString(h.Sum(nil))[:32]
}

// mutantNames returns the names of woven mutants by their numbers.
func (r *request) mutantNames(numbers []int) (names []string) {
	for _, n := range numbers {
		if n <= len(r.Mutants) {
			names = append(names, r.Mutants[n-1].Name)
		}
	}
	return names
}

// lookup returns the stored image, or nil if it is not there or not sound.
func (s *Store) lookup(ctx context.Context, r *request, p Progress) (*Kernel, error) {
	dir := s.imageDir(r.key)
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	l, err := s.Lock(ctx, kindImages, r.key, false, p)
	if err != nil {
		return nil, err
	}
	k, err := openImage(dir)
	if err != nil {
		l.Unlock()
		if !errors.Is(err, fs.ErrNotExist) {
			p.notice(fmt.Sprintf("the stored image %s is damaged and is built again: %v", r.key, err))
		}
		return nil, nil
	}
	touchUsed(dir)
	k.lock = l
	// The same content may have come under other names and commit messages, and
	// cut into other patches.
	k.Provenance.Series = r.series.provenance()
	k.Provenance.Mutants = r.mutantsProvenance()
	k.Provenance.Instruments = r.known(k.Provenance.Instruments)
	k.Provenance.Source.Spec = r.Source
	return k, nil
}

// build makes the image and stores it, unless another process did meanwhile.
func (s *Store) build(ctx context.Context, r *request, p Progress) error {
	l, err := s.lockMaking(ctx, kindImages, r.key, p)
	if err != nil {
		return err
	}
	defer l.Unlock()
	if _, err := openImage(s.imageDir(r.key)); err == nil {
		return nil
	}
	started := time.Now()
	root, src, err := s.sourceDir(ctx, r.source, p)
	if err != nil {
		return err
	}
	defer src.Unlock()
	files, became, err := r.wanted(root)
	if err != nil {
		return err
	}
	name := treeName(r.source.ID, r.flavour.Name)
	tl, err := s.Lock(ctx, kindBuilds, name, true, p)
	if err != nil {
		return err
	}
	defer tl.Unlock()
	t, err := s.prepareTree(name, root, r, files, p)
	if err != nil {
		return s.infra("prepare the build tree", err)
	}
	warnings, err := s.compile(ctx, t, r, p)
	if err != nil {
		var be *BuildError
		if errors.As(err, &be) {
			be.Instruments = applied(became)
			be.Mutants = r.mutantNames(be.clones)
		}
		return s.infra("build the kernel", err)
	}
	prov := r.provenance(started)
	prov.Instruments, prov.Warnings = became, warnings
	p.send(Event{Stage: StageStore, Line: "storing image " + r.key})
	return s.infra("store the image", s.storeImage(t.obj(), r.key, prov))
}

func (s *Store) imageDir(key string) string { return filepath.Join(s.dir, kindImages, key) }

func treeName(sourceID, flavour string) string {
	kind, hash, _ := cutID(sourceID)
	return kind + "-" + hash[:min(len(hash), 12)] + "-" + flavour
}

func (s *Store) prepareTree(name, root string, r *request, files map[string]*change, p Progress) (*buildTree, error) {
	dir := filepath.Join(s.dir, kindBuilds, name)
	started := time.Now()
	p.send(Event{Stage: StagePatch, Line: "preparing the build tree"})
	t, err := openTree(dir, root, r.source.ID)
	if err != nil {
		return nil, err
	}
	touchUsed(dir)
	n, err := t.rewrite(files)
	if err != nil {
		return nil, err
	}
	p.send(Event{Stage: StagePatch, Done: n, Total: n, Elapsed: time.Since(started),
		Line: fmt.Sprintf("series %s: %d patches, %d files written", r.series.Name, len(r.series.Patches), n)})
	return t, nil
}
