// SPDX-License-Identifier: Apache-2.0

package compare

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"html/template"
	"io"
	"strings"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness/report"
)

//go:embed assets/compare.html.tmpl assets/compare.js
var assets embed.FS

var page = template.Must(template.New("compare.html.tmpl").Funcs(template.FuncMap{
	"ruleText": cases.RuleText,
	"join":     strings.Join,
}).ParseFS(assets, "assets/compare.html.tmpl"))

// Bounds on the timelines in the page.
const (
	drawnPerRule = 2
	drawnAtMost  = 40
)

type pageData struct {
	C       *Comparison
	Title   string
	CSS     template.CSS
	JS      template.JS
	Policy  string // Content-Security-Policy: no network, this one script
	Facts   []pageFact
	Kinds   []pageKind
	Rows    []pageRow
	Rounds  int
	Drawn   []*pageProgram
	Changed int
	Left    int // differ, and are not drawn
}

type pageFact struct{ Name, Value string }

type pageKind struct {
	Head     string
	Programs []*pageProgram
}

type pageRow struct {
	RuleRow
	Drawn []string // names of programs with timelines
}

type pageProgram struct {
	*Program
	Anchor  string // "" where it has no timelines
	Lines   []string
	Reasons []pageReason
	Sides   []pageSide
}

type pageReason struct{ Broken []pageBreach }

type pageBreach struct{ Rule, Who, Text string }

type pageSide struct {
	Name, Href string
	Timeline   any
}

// writeHTML writes the page. runs are the first rounds, for drawing; nil leaves the timelines out.
func (c *Comparison) writeHTML(w io.Writer, runs []*report.Run) error {
	css, script, err := report.TimelineAssets()
	if err != nil {
		return err
	}
	own, err := assets.ReadFile("assets/compare.js")
	if err != nil {
		return err
	}
	js := append(script, own...)
	sum := sha256.Sum256(js)
	d := &pageData{
		C: c, Title: "ringproof compare " + c.A.Name + " " + c.B.Name, CSS: template.CSS(css), JS: template.JS(js), Rounds: MeasuredRounds, Changed: c.Counts[Changed],
		Policy: "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; script-src 'sha256-" +
			base64.StdEncoding.EncodeToString(sum[:]) + "'",
		Facts: []pageFact{{"A", c.A.line()}, {"B", c.B.line()}, {"command", strings.Join(c.Command, " ")}},
	}
	drawn := map[string]*pageProgram{}
	draw := func(p *Program) *pageProgram {
		if drawn[p.Name] == nil && len(runs) == 2 && len(d.Drawn) < drawnAtMost {
			drawn[p.Name] = c.draw(p, runs)
			d.Drawn = append(d.Drawn, drawn[p.Name])
		}
		if drawn[p.Name] == nil {
			return &pageProgram{Program: p, Lines: p.lines()}
		}
		return drawn[p.Name]
	}
	for _, k := range shownKinds {
		if list := c.Of(k); len(list) > 0 {
			kind := pageKind{Head: heads[k]}
			for _, p := range list {
				kind.Programs = append(kind.Programs, draw(p))
			}
			d.Kinds = append(d.Kinds, kind)
		}
	}
	d.Rows = c.pageRows(draw)
	d.Left = len(c.Candidates()) - len(d.Drawn)
	return page.Execute(w, d)
}

// pageRows are the rules, with a few programs each that differ by as little else as there is.
func (c *Comparison) pageRows(draw func(p *Program) *pageProgram) []pageRow {
	byName := map[string]*Program{}
	for i := range c.Programs {
		byName[c.Programs[i].Name] = &c.Programs[i]
	}
	var rows []pageRow
	for _, r := range c.Rules {
		row := pageRow{RuleRow: r}
		for reasons := 1; reasons <= 3 && len(row.Drawn) < drawnPerRule; reasons++ {
			for _, name := range r.Programs {
				if p := byName[name]; len(p.Shown()) == reasons && len(row.Drawn) < drawnPerRule && draw(p).Anchor != "" {
					row.Drawn = append(row.Drawn, name)
				}
			}
		}
		rows = append(rows, row)
	}
	return rows
}

func (c *Comparison) draw(p *Program, runs []*report.Run) *pageProgram {
	out := &pageProgram{Program: p, Anchor: p.Name, Lines: p.lines()}
	for _, r := range p.Reasons {
		var list []pageBreach
		for _, b := range r.Broken {
			who := "is broken by what A does:"
			if b.Side == "b" {
				who = "is broken by what B does:"
			}
			list = append(list, pageBreach{b.Rule, who, b.Text})
		}
		out.Reasons = append(out.Reasons, pageReason{list})
	}
	for i, s := range []struct {
		seen *Seen
		sum  *Summary
		name string
	}{{&p.A, &c.A, "A"}, {&p.B, &c.B, "B"}} {
		if s.seen.first == nil {
			continue
		}
		side := pageSide{Name: s.name + ": " + s.sum.Name, Timeline: runs[i].Timeline(s.seen.first)}
		if s.sum.Dir != "" {
			side.Href = s.sum.Dir + "/" + report.HTMLFile + "#" + report.CaseAnchor(p.Name)
		}
		out.Sides = append(out.Sides, side)
	}
	return out
}
