// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/ringproof/ringproof/harness"
	"github.com/ringproof/ringproof/images"
)

type kernelCmd struct {
	Build kernelBuildCmd `cmd:"" help:"Build a kernel image, or find it in the cache."`
	List  kernelListCmd  `cmd:"" help:"List the images in the cache."`
	Key   kernelKeyCmd   `cmd:"" help:"Print the content key an image has or would have, without building it."`
}

type kernelBuildCmd struct {
	kernelsFlags
}

// Run prints one image's path per kernel, in the order of [kernelsFlags.kernels].
func (c *kernelBuildCmd) Run(ctx context.Context, s *streams) error {
	specs, err := c.kernels()
	if err != nil {
		return err
	}
	store, err := images.Open("")
	if err != nil {
		return err
	}
	for _, spec := range specs {
		if err := buildKernel(ctx, s, store, spec); err != nil {
			return err
		}
	}
	return nil
}

func buildKernel(ctx context.Context, s *streams, store *images.Store, spec images.Spec) error {
	p := newProgress(s.err)
	img, err := store.Kernel(ctx, spec, harness.FromImages(p.event))
	p.close()
	if err != nil {
		return err
	}
	defer img.Close()
	pr := img.Provenance
	how := fmt.Sprintf("built in %s", time.Duration(pr.Duration*float64(time.Second)).Round(time.Second))
	if img.Cached {
		how = "from the cache"
	}
	fmt.Fprintf(s.err, "Linux %s, series %s (%d patches), flavour %s, %s\n",
		pr.Source.Version, pr.Series.Name, len(pr.Series.Patches), pr.Flavour, how)
	fmt.Fprintln(s.out, img.BzImage)
	return nil
}

type kernelListCmd struct{}

func (kernelListCmd) Run(s *streams) error {
	store, err := images.Open("")
	if err != nil {
		return err
	}
	entries, err := store.List()
	if err != nil {
		return err
	}
	return printEntries(s, entries, "images")
}

// printEntries prints the cache's entries of one kind, or of all for "".
func printEntries(s *streams, entries []images.Entry, kind string) error {
	w := tabwriter.NewWriter(s.out, 0, 8, 2, ' ', 0)
	for _, e := range entries {
		if kind == "" || e.Kind == kind {
			fmt.Fprintf(w, "%s\t%s\t%.1f MiB\t%s\t%s\n", e.Kind, e.Key, float64(e.Size)/(1<<20),
				e.LastUsed.Format("2006-01-02 15:04"), e.About)
		}
	}
	return w.Flush()
}

type kernelKeyCmd struct {
	kernelsFlags
}

func (c *kernelKeyCmd) Run(ctx context.Context, s *streams) error {
	specs, err := c.kernels()
	if err != nil {
		return err
	}
	store, err := images.Open("")
	if err != nil {
		return err
	}
	for _, spec := range specs {
		key, err := store.Key(ctx, spec, nil)
		if err != nil {
			return err
		}
		fmt.Fprintln(s.out, key)
	}
	return nil
}

type cacheCmd struct {
	List  cacheListCmd  `cmd:"" default:"1" help:"What is in the cache, by kind, the last used first."`
	Prune cachePruneCmd `cmd:"" help:"Remove what is old; what is in use stays."`
}

type cacheListCmd struct{}

func (cacheListCmd) Run(s *streams) error {
	store, err := images.Open("")
	if err != nil {
		return err
	}
	entries, err := store.List()
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "%s\n", store.Dir())
	return printEntries(s, entries, "")
}

type cachePruneCmd struct {
	All       bool          `help:"Everything that is not in use."`
	OlderThan time.Duration `placeholder:"720h" help:"What was not used for that long."`
	Keep      int           `placeholder:"N" help:"All but the N last used of each kind."`
	Kind      []string      `help:"Only these kinds: images, builds, sources, initramfs, downloads, snapshots."`
	DryRun    bool          `short:"n" help:"Only say what would go."`
}

func (c *cachePruneCmd) Run(s *streams) error {
	if !c.All && c.OlderThan == 0 && c.Keep == 0 {
		return &exit{exitUsage, fmt.Errorf("cache prune: say what goes: --all, --older-than or --keep")}
	}
	store, err := images.Open("")
	if err != nil {
		return err
	}
	pruned, err := store.Prune(images.Policy{
		All: c.All, OlderThan: c.OlderThan, KeepNewest: c.Keep, Kinds: c.Kind, DryRun: c.DryRun})
	if err != nil {
		return err
	}
	var size int64
	for _, e := range pruned.Removed {
		size += e.Size
		fmt.Fprintf(s.out, "removed  %s/%s\n", e.Kind, e.Key)
	}
	for _, e := range pruned.InUse {
		fmt.Fprintf(s.out, "in use   %s/%s\n", e.Kind, e.Key)
	}
	fmt.Fprintf(s.out, "%d entries, %.1f MiB\n", len(pruned.Removed), float64(size)/(1<<20))
	return nil
}
