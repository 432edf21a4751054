// SPDX-License-Identifier: Apache-2.0

package fingerprint

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/ringproof/ringproof/cases"
)

// Search finds the members of struct io_kiocb that point to a group's leader
// and count its references.
type Search struct {
	Types     *Types
	Semantics cases.Semantics // as far as they are known
	Program   *cases.Program
	// GroupFlag and LeaderFlag are the answers of [FlagNames].
	GroupFlag, LeaderFlag Answer
	// Run returns what the program does in a guest whose probes read the group
	// by these names; the same for the same names. An error ends the search.
	Run func(ctx context.Context, names cases.Kernel) (o *cases.Outcome, probes []string, err error)
}

// Fields tries one member after the other, and keeps the first that behaves as a profile says.
func (s *Search) Fields(ctx context.Context) ([]Answer, error) {
	leader := Answer{Key: "leader_field", Text: true}
	refs := Answer{Key: "refs_field", Text: true}
	counts, end := Answer{Key: "refs_counts_leader"}, Answer{Key: "refs_end"}
	names := cases.Kernel{GroupFlag: s.GroupFlag.Value, LeaderFlag: s.LeaderFlag.Value}

	// The first of either are tried together, which is all there is to do as a rule.
	names.RefsField = first(s.Types.Counts)
	var tried []string
	for _, name := range s.Types.Leaders {
		names.LeaderField = name
		o, _, err := s.Run(ctx, names)
		if err != nil {
			return nil, fmt.Errorf("try io_kiocb.%s as leader_field: %w", name, err)
		}
		holds, how := LeaderHolds(s.Program, o)
		if holds {
			leader.Value, leader.How = name, how
			break
		}
		tried = append(tried, name+" "+how)
	}
	if !leader.Known() {
		names.LeaderField = ""
		leader.How = inVain("a pointer to a request", tried)
	}

	tried = nil
	for _, name := range s.Types.Counts {
		names.RefsField = name
		o, probes, err := s.Run(ctx, names)
		if err != nil {
			return nil, fmt.Errorf("try io_kiocb.%s as refs_field: %w", name, err)
		}
		c, holds, how := CountHolds(s.Program, o, s.Semantics, probes)
		if holds {
			refs.Value, refs.How = name, how
			counts.Value, counts.How = strconv.FormatBool(c.CountsLeader), "by the count when the group's requests are issued"
			end.Value, end.How = strconv.Itoa(int(c.End)), "the count of the leader when it is freed"
			break
		}
		tried = append(tried, name+" "+how)
	}
	if !refs.Known() {
		refs.How = inVain("an integer", tried)
		counts.How, end.How = "not shown: there is no refs_field", "not shown: there is no refs_field"
	}
	return []Answer{refs, counts, end, leader, s.GroupFlag, s.LeaderFlag}, nil
}

// inVain says why no member is proposed.
func inVain(what string, tried []string) string {
	if len(tried) == 0 {
		return fmt.Sprintf("not shown: struct io_kiocb has no member that is %s, beside those of upstream kernels", what)
	}
	return "not shown: " + strings.Join(tried, "; ")
}

// Guess returns the names that are tried first.
func (t *Types) Guess() cases.Kernel {
	k := cases.Kernel{GroupFlag: t.Flags[groupBit], LeaderField: first(t.Leaders), RefsField: first(t.Counts)}
	for _, name := range t.Flags {
		if strings.Contains(name, "LEADER") {
			k.LeaderFlag = name
		}
	}
	return k
}

func first(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return names[0]
}
