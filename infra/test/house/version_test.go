package house

import (
	"regexp"
	"testing"

	"golang.org/x/mod/semver"

	"customercare/shared/version"
)

// release is the heading of a release in CHANGELOG.md: its number, and its day once it is
// made.
var release = regexp.MustCompile(`(?m)^## (\S+?)(?: \((\d{4}-\d{2}-\d{2})\))?$`)

// TestChangelogBeginsWithTheVersion compares the first heading of CHANGELOG.md with the
// number in shared/version, and looks whether each release is newer than the one below.
func TestChangelogBeginsWithTheVersion(t *testing.T) {
	releases := release.FindAllStringSubmatch(source(t, "CHANGELOG.md"), -1)
	if len(releases) == 0 || releases[0][1] != version.Number {
		t.Fatalf("the first heading of CHANGELOG.md is %q, shared/version says %s", releases, version.Number)
	}
	for i, r := range releases {
		if !semver.IsValid("v" + r[1]) {
			t.Errorf("%s is no version", r[1])
		}
		if i > 0 && (semver.Compare("v"+releases[i-1][1], "v"+r[1]) <= 0 || r[2] == "") {
			t.Errorf("%s stands above %s %s: not newer, or that was never made", releases[i-1][1], r[1], r[2])
		}
	}
}
