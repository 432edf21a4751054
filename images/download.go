// SPDX-License-Identifier: Apache-2.0

package images

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var sha256Hex = regexp.MustCompile(`^[0-9a-f]{64}$`)

// urlSource is a tarball on a server. The checksum is part of the spec and
// names the content, so nothing is fetched before it is needed, and what is
// fetched is deleted once it is unpacked.
func (s *Store) urlSource(arg string) (*source, error) {
	link, sum, _ := strings.Cut(arg, "#sha256=")
	sum = strings.ToLower(sum)
	if !sha256Hex.MatchString(sum) {
		return nil, errors.New("a download needs its checksum: write url:URL#sha256=HEX with 64 hex digits")
	}
	u, err := url.Parse(link)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return nil, fmt.Errorf("%q is not an http or https address", link)
	}
	return &source{
		SourceInfo: SourceInfo{ID: "tar-" + sum},
		unpack: func(ctx context.Context, dst string, p Progress) error {
			l, err := s.Lock(ctx, kindDownloads, sum, true, p)
			if err != nil {
				return err
			}
			defer l.Unlock()
			d := &download{client: s.client, url: link, sum: sum, progress: p, stall: stallTimeout, pause: s.pause,
				dst: filepath.Join(s.dir, kindDownloads, sum, "tarball")}
			if err := d.run(ctx); err != nil {
				return s.infra("download "+link, err)
			}
			if err := untar(ctx, d.dst, dst, p); err != nil {
				return err
			}
			return os.RemoveAll(filepath.Dir(d.dst))
		},
	}, nil
}

// stallTimeout ends an attempt in which no byte arrives for that long.
const stallTimeout = time.Minute

// maxDownload bounds what a server can make us store: ten times the largest tarball of today.
const maxDownload = 4 << 30

// maxAttempts is how often in a row a download may fail without a new byte.
const maxAttempts = 4

// download fetches one file into dst, resuming from dst.part. A process that
// is killed leaves the part file for the next.
type download struct {
	client   *http.Client
	url, sum string
	dst      string
	progress Progress
	stall    time.Duration
	started  time.Time
	// pause is called before attempt n is repeated; nil waits n seconds.
	pause func(ctx context.Context, n int)
}

func (d *download) part() string { return d.dst + ".part" }

// errChecksum is the cause of a download with another content than promised.
var errChecksum = errors.New("wrong checksum")

// run fetches until the file is complete, and verifies it. A part file that
// leads to a wrong checksum is given up for one fetch from the start. A
// complete file of an earlier run is verified likewise, as a part.
func (d *download) run(ctx context.Context) error {
	d.started = time.Now()
	if err := os.MkdirAll(filepath.Dir(d.dst), 0o755); err != nil {
		return err
	}
	touchUsed(filepath.Dir(d.dst))
	if err := os.Rename(d.dst, d.part()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	st, err := os.Stat(d.part())
	resumed := err == nil && st.Size() > 0
	err = d.fetch(ctx)
	if err != nil {
		return err
	}
	err = d.finish()
	if errors.Is(err, errChecksum) && resumed {
		d.progress.notice("the partial download was not a piece of the file; starting again from its beginning")
		if err := d.fetch(ctx); err != nil {
			return err
		}
		err = d.finish()
	}
	if errors.Is(err, errChecksum) {
		return &SpecError{What: "source", Value: "url:" + d.url + "#sha256=" + d.sum, Err: err}
	}
	return err
}

// finish checks the part file and gives it its name; a wrong one is removed.
func (d *download) finish() error {
	got, _, err := hashFile(d.part())
	if err != nil {
		return err
	}
	if got != d.sum {
		if err := os.Remove(d.part()); err != nil {
			return err
		}
		return fmt.Errorf("%w: %s has %s, not %s; check the address and the checksum", errChecksum, d.url, got, d.sum)
	}
	f, err := os.Open(d.part())
	if err != nil {
		return err
	}
	err = f.Sync()
	f.Close()
	if err == nil {
		err = os.Rename(d.part(), d.dst)
	}
	return err
}

// fetch repeats attempts as long as they bring anything.
func (d *download) fetch(ctx context.Context) error {
	for failures := 0; ; {
		got, err := d.attempt(ctx)
		var perm *permanentError
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.As(err, &perm):
			return perm.err
		}
		if failures++; got > 0 {
			failures = 1
		}
		if failures >= maxAttempts {
			return &InfraError{Op: "download " + d.url, Err: err,
				Advice: "What arrived is kept: run again to continue, or fetch the file by hand and name it with tar:FILE"}
		}
		d.progress.send(Event{Stage: StageSource, Elapsed: time.Since(d.started), Line: fmt.Sprintf("%v; continuing", err)})
		d.wait(ctx, failures)
	}
}

func (d *download) wait(ctx context.Context, n int) {
	if d.pause != nil {
		d.pause(ctx, n)
		return
	}
	select {
	case <-ctx.Done():
	case <-time.After(time.Duration(n) * time.Second):
	}
}

// permanentError is one that another attempt would not mend.
type permanentError struct{ err error }

func (e *permanentError) Error() string { return e.err.Error() }

// attempt asks for what is missing and appends it; got is the number of bytes
// that arrived. A server that ignores the range sends the whole file, which
// then replaces the part.
func (d *download) attempt(ctx context.Context) (got int64, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := time.AfterFunc(d.stall, func() { cancel(fmt.Errorf("no data for %v", d.stall)) })
	defer watch.Stop()

	var have int64
	if st, err := os.Stat(d.part()); err == nil {
		have = st.Size()
	} else if !errors.Is(err, fs.ErrNotExist) {
		return 0, &permanentError{err}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.url, nil)
	if err != nil {
		return 0, &permanentError{err}
	}
	req.Header.Set("Accept-Encoding", "identity")
	if have > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", have))
	}
	resp, err := d.client.Do(req)
	if err != nil {
		return 0, causeOf(ctx, err)
	}
	defer resp.Body.Close()
	total := resp.ContentLength
	switch {
	case resp.StatusCode == http.StatusPartialContent:
		if start, ok := rangeStart(resp.Header.Get("Content-Range")); !ok || start != have {
			return 0, d.restart(fmt.Errorf("%s: the server sent another range than asked for", d.url))
		}
		total += have
	case resp.StatusCode == http.StatusOK:
		have = 0
	case resp.StatusCode == http.StatusRequestedRangeNotSatisfiable && have > 0:
		// Either we have all of it already or the part is too long; the checksum tells.
		if size, ok := rangeSize(resp.Header.Get("Content-Range")); ok && size == have {
			return 0, nil
		}
		return 0, d.restart(fmt.Errorf("%s: the part file is longer than the file", d.url))
	case resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests:
		return 0, fmt.Errorf("%s: the server answers %s", d.url, resp.Status)
	default:
		return 0, &permanentError{&SpecError{What: "source", Value: "url:" + d.url, Err: fmt.Errorf("the server answers %s", resp.Status)}}
	}
	got, err = d.receive(resp.Body, have, total, watch)
	return got, causeOf(ctx, err)
}

// receive writes body to the part file from offset have.
func (d *download) receive(body io.Reader, have, total int64, watch *time.Timer) (got int64, err error) {
	f, err := os.OpenFile(d.part(), os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return 0, &permanentError{err}
	}
	defer f.Close()
	if err := f.Truncate(have); err != nil {
		return 0, &permanentError{err}
	}
	buf := make([]byte, 256<<10)
	for {
		if have+got > maxDownload {
			return got, &permanentError{fmt.Errorf("%s: more than %d bytes, which is no kernel source", d.url, int64(maxDownload))}
		}
		n, rerr := body.Read(buf)
		if n > 0 {
			watch.Reset(d.stall)
			if _, err := f.WriteAt(buf[:n], have+got); err != nil {
				return got, &permanentError{err}
			}
			got += int64(n)
			d.progress.send(Event{Stage: StageSource, Done: int(have + got), Total: int(max(total, 0)),
				Elapsed: time.Since(d.started), Line: "downloading " + d.url})
		}
		switch {
		case rerr == io.EOF && total >= 0 && have+got < total:
			return got, io.ErrUnexpectedEOF
		case rerr == io.EOF:
			return got, nil
		case rerr != nil:
			return got, rerr
		}
	}
}

// restart gives up the part file, so that the next attempt begins anew.
func (d *download) restart(err error) error {
	if rerr := os.Remove(d.part()); rerr != nil {
		return &permanentError{rerr}
	}
	return err
}

// causeOf prefers the reason for which we cancelled ourselves.
func causeOf(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		if c := context.Cause(ctx); c != nil {
			return c
		}
	}
	return err
}

// rangeStart reads "bytes 5-9/10"; rangeSize its last number, also of "bytes */10" (RFC 9110, 14.4).
func rangeStart(h string) (int64, bool) {
	r, ok := strings.CutPrefix(h, "bytes ")
	first, _, ok2 := strings.Cut(r, "-")
	n, err := strconv.ParseInt(first, 10, 64)
	return n, ok && ok2 && err == nil
}

func rangeSize(h string) (int64, bool) {
	_, size, ok := strings.Cut(h, "/")
	n, err := strconv.ParseInt(size, 10, 64)
	return n, ok && err == nil
}
