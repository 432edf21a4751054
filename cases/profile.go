// SPDX-License-Identifier: Apache-2.0

package cases

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"sort"
	"strings"

	"github.com/BurntSushi/toml"
)

// Profile says which semantics a kernel's SQE groups promise, and under
// which names its BTF knows them. It is data: a new revision of a patch that
// recombines known knobs needs a new file in cases/profiles and no Go.
type Profile struct {
	Name string `toml:"name"`
	// Groups is false for a kernel without the feature: an SQE with bit 7 gets -EINVAL.
	Groups bool `toml:"groups"`
	// FeatureBit is the bit number in io_uring_params.features.
	FeatureBit uint `toml:"feature_bit"`

	Semantics Semantics `toml:"semantics"`
	Kernel    Kernel    `toml:"kernel"`
}

// Semantics are the knobs in which revisions of the feature differ. Each
// knob's comment names the rules it chooses between.
type Semantics struct {
	// MembersAfterLeader: members are issued when the leader is done (P7.1), not in parallel with it (P4.1).
	MembersAfterLeader bool `toml:"members_after_leader"`
	// MemberLinkFlags: LINK, HARDLINK, DRAIN on a member are "ignored" (P4.2) or "rejected" (P7.2).
	MemberLinkFlags string `toml:"member_link_flags"`
	// MemberSkip: CQE_SKIP_SUCCESS on a member is "allowed" (P4.3) or "rejected" (P7.3).
	MemberSkip string `toml:"member_skip"`
	// LinkTimeout in or right behind a group is "allowed" or "rejected" (P7.4).
	LinkTimeout string `toml:"link_timeout"`
	// LeaderFailureCancels: a failing leader cancels its members (P7.5) or not (P4.4).
	LeaderFailureCancels bool `toml:"leader_failure_cancels"`
	// MemberPrepFailureCancels: a member's prep failure cancels "linked-leader" (P4.6) or "group" (P7.6).
	MemberPrepFailureCancels string `toml:"member_prep_failure_cancels"`
	// MemberFailureBreaks: a member failing while running marks the leader failed
	// when it is "linked" (P4.5) or "always" (P7.7).
	MemberFailureBreaks string `toml:"member_failure_breaks"`
	// GroupOfOne is "plain" (P4.7) or "rejected" (P7.8).
	GroupOfOne string `toml:"group_of_one"`
	// OpenGroup: a group closed by the end of the submission comes
	// "after-chain" (P4.8) or "joins-chain" (P7.9).
	OpenGroup string `toml:"open_group"`
	// CompleteInTask: io-wq completions of a group are posted by the submitting task (P7.10).
	CompleteInTask bool `toml:"complete_in_task"`
}

// Kernel names what the probes look up in the kernel's BTF. An empty name
// means that the kernel has no such thing; the probes then do without.
type Kernel struct {
	// RefsField is the member of struct io_kiocb that counts the group's
	// references; the leader's is the one that counts.
	RefsField string `toml:"refs_field"`
	// RefsCountsLeader: the first value is the number of requests in the
	// group with the leader (true) or without it (false).
	RefsCountsLeader bool `toml:"refs_counts_leader"`
	// RefsEnd is the value at which the leader may be released.
	RefsEnd int32 `toml:"refs_end"`
	// LeaderField is the member of struct io_kiocb that points from a member to its leader.
	LeaderField string `toml:"leader_field"`
	// GroupFlag and LeaderFlag are the enumerators of REQ_F_* bit numbers that
	// mark a request of a group and the leader, such as "REQ_F_SQE_GROUP_BIT".
	GroupFlag  string `toml:"group_flag"`
	LeaderFlag string `toml:"leader_flag"`
}

//go:embed profiles/*.toml
var profileFS embed.FS

// Profiles returns the names of the built-in profiles in order.
func Profiles() []string {
	files, _ := fs.Glob(profileFS, "profiles/*.toml")
	for i, f := range files {
		files[i] = strings.TrimSuffix(path.Base(f), ".toml")
	}
	sort.Strings(files)
	return files
}

// LoadProfile returns the built-in profile with the given name.
func LoadProfile(name string) (*Profile, error) {
	b, err := profileFS.ReadFile("profiles/" + name + ".toml")
	if err != nil {
		return nil, fmt.Errorf("profile %q is not built in (there are: %s)", name, strings.Join(Profiles(), ", "))
	}
	return ParseProfile(b)
}

// ParseProfile reads a profile file. Unknown keys and unknown knob values are errors.
func ParseProfile(b []byte) (*Profile, error) {
	p := new(Profile)
	md, err := toml.NewDecoder(bytes.NewReader(b)).Decode(p)
	if err != nil {
		return nil, fmt.Errorf("read profile: %w", err)
	}
	if un := md.Undecoded(); len(un) > 0 {
		return nil, fmt.Errorf("read profile %q: unknown key %s", p.Name, un[0])
	}
	if !p.Groups {
		return p, nil
	}
	s := &p.Semantics
	for _, k := range []struct{ key, val, a, b string }{
		{"member_link_flags", s.MemberLinkFlags, "ignored", "rejected"},
		{"member_skip", s.MemberSkip, "allowed", "rejected"},
		{"link_timeout", s.LinkTimeout, "allowed", "rejected"},
		{"member_prep_failure_cancels", s.MemberPrepFailureCancels, "linked-leader", "group"},
		{"member_failure_breaks", s.MemberFailureBreaks, "linked", "always"},
		{"group_of_one", s.GroupOfOne, "plain", "rejected"},
		{"open_group", s.OpenGroup, "after-chain", "joins-chain"},
	} {
		if k.val != k.a && k.val != k.b {
			return nil, fmt.Errorf("read profile %q: semantics.%s is %q, want %q or %q", p.Name, k.key, k.val, k.a, k.b)
		}
	}
	return p, nil
}
