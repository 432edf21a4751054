// SPDX-License-Identifier: Apache-2.0

package images

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// server serves content and misbehaves as told.
type server struct {
	content  []byte
	noRange  bool
	cutAfter int64 // bytes after which a response breaks off; 0 is never
	cuts     int64 // how many responses break off
	status   []int // answered before anything is served

	requests atomic.Int64
	ranges   []string
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := s.requests.Add(1)
	s.ranges = append(s.ranges, r.Header.Get("Range"))
	if int(n) <= len(s.status) {
		w.WriteHeader(s.status[n-1])
		return
	}
	if n-int64(len(s.status)) <= s.cuts {
		w = &cutter{w, s.cutAfter}
	}
	if s.noRange {
		w.Header().Set("Content-Length", fmt.Sprint(len(s.content)))
		_, _ = w.Write(s.content)
		return
	}
	http.ServeContent(w, r, "x.tar", time.Time{}, bytes.NewReader(s.content))
}

// cutter breaks the connection after some bytes.
type cutter struct {
	http.ResponseWriter
	left int64
}

func (c *cutter) Write(b []byte) (int, error) {
	if int64(len(b)) > c.left {
		_, _ = c.ResponseWriter.Write(b[:c.left])
		c.ResponseWriter.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	c.left -= int64(len(b))
	return c.ResponseWriter.Write(b)
}

func TestDownload(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789abcdef"), 1<<16) // 1 MiB
	sum := hashString(string(content))
	const kb100 = 100 << 10
	tests := []struct {
		name     string
		server   *server
		part     []byte // left by an earlier run
		done     []byte // a complete file of an earlier run
		sum      string
		wantErr  string
		infra    bool
		requests int64
		ranges   string // joined, as far as it matters
	}{
		{name: "plain", requests: 1},
		{name: "interrupted twice", server: &server{cuts: 2, cutAfter: kb100}, requests: 3, ranges: "|bytes=102400-|bytes=204800-"},
		{name: "interrupted, no ranges", server: &server{cuts: 1, cutAfter: kb100, noRange: true}, requests: 2, ranges: "|bytes=102400-"},
		{name: "resumes an earlier run", part: content[:kb100], requests: 1, ranges: "bytes=102400-"},
		{name: "earlier run, no ranges", part: content[:kb100], server: &server{noRange: true}, requests: 1},
		{name: "part is whole", part: content, requests: 1},
		{name: "file of an earlier run is whole", done: content, requests: 1},
		{name: "altered part", part: append([]byte("X"), content[1:kb100]...), requests: 2, ranges: "bytes=102400-|"},
		{name: "part too long", part: append(append([]byte(nil), content...), 'x'), requests: 2},
		{name: "altered file of an earlier run", done: append([]byte("X"), content[1:]...), requests: 2},
		{name: "wrong checksum", sum: strings.Repeat("0", 64), wantErr: "wrong checksum", requests: 1},
		{name: "wrong checksum, resumed", part: content[:kb100], sum: strings.Repeat("0", 64), wantErr: "wrong checksum", requests: 2},
		{name: "not found", server: &server{status: []int{404}}, wantErr: "404", requests: 1},
		{name: "busy, then fine", server: &server{status: []int{503, 503}}, requests: 3},
		{name: "always busy", server: &server{status: []int{503, 503, 503, 503, 503}}, wantErr: "run again to continue", infra: true, requests: maxAttempts},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.server == nil {
				tt.server = new(server)
			}
			tt.server.content = content
			ts := httptest.NewServer(tt.server)
			defer ts.Close()
			ts.Config.ErrorLog = nil
			dst := filepath.Join(t.TempDir(), "tarball")
			for p, b := range map[string][]byte{dst + ".part": tt.part, dst: tt.done} {
				if b != nil {
					if err := os.WriteFile(p, b, 0o644); err != nil {
						t.Fatal(err)
					}
				}
			}
			if tt.sum == "" {
				tt.sum = sum
			}
			d := &download{client: ts.Client(), url: ts.URL, sum: tt.sum, dst: dst, stall: time.Minute, pause: func(context.Context, int) {}}
			err := d.run(context.Background())
			var ie *InfraError
			var se *SpecError
			switch {
			case tt.wantErr == "":
				got, rerr := os.ReadFile(dst)
				if err != nil || rerr != nil || !bytes.Equal(got, content) {
					t.Errorf("%v, %v, %d bytes", err, rerr, len(got))
				}
			case err == nil || !strings.Contains(err.Error(), tt.wantErr) || errors.As(err, &ie) != tt.infra || errors.As(err, &se) == tt.infra:
				t.Errorf("error %v, want one with %q", err, tt.wantErr)
			default:
				if _, err := os.Stat(dst); err == nil {
					t.Error("a file that is not right got its name")
				}
			}
			if n := tt.server.requests.Load(); n != tt.requests {
				t.Errorf("%d requests, want %d (%q)", n, tt.requests, tt.server.ranges)
			}
			if got := strings.Join(tt.server.ranges, "|"); tt.ranges != "" && got != tt.ranges {
				t.Errorf("ranges %q, want %q", got, tt.ranges)
			}
		})
	}
}

func TestDownloadStallsAndCancel(t *testing.T) {
	release := make(chan struct{})
	ts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(200)
		w.(http.Flusher).Flush()
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	defer ts.Close()
	defer close(release)
	d := &download{client: ts.Client(), url: ts.URL, sum: strings.Repeat("0", 64), dst: filepath.Join(t.TempDir(), "x"),
		stall: time.Millisecond, pause: func(context.Context, int) {}}
	if err := d.run(context.Background()); err == nil || !strings.Contains(err.Error(), "no data for 1ms") {
		t.Errorf("stalled: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := d.run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
