package template

import (
	"encoding/json"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"customercare/infra/bench"
	"customercare/infra/local/template"
	"customercare/infra/testkit/dynamotest"
)

// A binary may grow by a hundredth before somebody has to look why.
const sizeTolerance = 0.01

// Each function is at most so many times as large as a hello with its clients, or
// infra/bench/sizes.json says what it has more; and none grows unnoticed. UPDATE=1 writes
// the file, for which it looks into binaries with symbols.
func TestBinarySizes(t *testing.T) {
	root := dynamotest.Root()
	run(t, root, "build", "floors")
	size := func(parts ...string) int {
		info, err := os.Stat(filepath.Join(append([]string{root, ".cache"}, parts...)...))
		if err != nil {
			t.Fatal(err)
		}
		return int(info.Size())
	}
	stack, err := template.Load(filepath.Join(root, "template.yaml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	var all []bench.Size
	for _, f := range stack.Functions {
		floor, _ := bench.HelloOf(f)
		all = append(all, bench.Size{
			Function: f.Folder, Bytes: size("lambda", f.Folder, "bootstrap"),
			Floor: floor, FloorBytes: size("floors", floor),
		})
	}
	slices.SortFunc(all, func(a, b bench.Size) int { return strings.Compare(a.Function, b.Function) })
	if os.Getenv("UPDATE") == "1" {
		writeSizes(t, root, all)
		return
	}
	known, err := bench.ReadSizes(root)
	if err != nil {
		t.Fatal(err)
	}
	if len(known) != len(all) {
		t.Fatalf("%d functions are built, sizes.json has %d", len(all), len(known))
	}
	for i, is := range all {
		was := known[i]
		sum := 0
		for _, part := range was.Parts {
			sum += part.Bytes
		}
		switch {
		case is.Function != was.Function || is.Floor != was.Floor:
			t.Errorf("%s beside %s is built, sizes.json has %s beside %s", is.Function, is.Floor, was.Function, was.Floor)
		case far(is.Bytes, was.Bytes), far(is.FloorBytes, was.FloorBytes):
			t.Errorf("%s has %d bytes and its floor %d, sizes.json has %d and %d: UPDATE=1 go test -run TestBinarySizes ./infra/test/template",
				is.Function, is.Bytes, is.FloorBytes, was.Bytes, was.FloorBytes)
		case is.Ratio() > bench.SizeAtMost+sizeTolerance && sum != was.Bytes-was.FloorBytes:
			t.Errorf("%s is %.2f times as large as %s, and sizes.json does not say why", is.Function, is.Ratio(), is.Floor)
		}
	}
}

func far(is, was int) bool {
	return float64(max(is-was, was-is)) > sizeTolerance*float64(was)
}

func writeSizes(t *testing.T, root string, all []bench.Size) {
	t.Helper()
	symbols := t.TempDir()
	run(t, root, "build", "floors", "BUILD_FLAGS=-ldflags=", "BUILT="+symbols)
	for i := range all {
		if s := &all[i]; s.Ratio() > bench.SizeAtMost {
			s.Parts = parts(t, filepath.Join(symbols, "lambda", ".all", s.Function), filepath.Join(symbols, "floors", s.Floor), s.Bytes-s.FloorBytes)
		}
	}
	text, err := json.MarshalIndent(all, "", "  ")
	if err == nil {
		err = os.WriteFile(filepath.Join(root, filepath.FromSlash(bench.SizesFile)), append(text, '\n'), 0o644)
	}
	if err == nil {
		err = bench.WritePages(root)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// kinds are the kinds of packages, by how their names begin; the first that fits counts.
var kinds = []struct{ begins, of string }{
	{"github.com/aws/", "AWS SDK: what its calls need"}, {"customercare/", "our packages"}, {"main", "our packages"},
	{"github.com/go-json-experiment/", "JSON v2"}, {"github.com/", "other modules"}, {"golang.org/", "other modules"},
}

// rest is what the binary has of all code: tables for stack traces and types, and what
// lies between symbols.
const standard, rest = "standard library", "the runtime's tables for these"

// parts is what a binary has more than another, by kinds of packages, in all so many
// bytes.
func parts(t *testing.T, binary, floor string, more int) (all []bench.Part) {
	t.Helper()
	ours, floors := sizesOf(t, binary), sizesOf(t, floor)
	for _, kind := range append(kinds, struct{ begins, of string }{of: standard}) {
		if n := ours[kind.of] - floors[kind.of]; n > 0 && !slices.ContainsFunc(all, func(p bench.Part) bool { return p.Of == kind.of }) {
			all = append(all, bench.Part{Of: kind.of, Bytes: n})
			more -= n
		}
	}
	return append(all, bench.Part{Of: rest, Bytes: more})
}

// symbol is a line of go tool nm -size: an address, a size, a type, a name, and the path
// of the package in front of the name.
var symbol = regexp.MustCompile(`(?m)^ *[0-9a-f]+ +(\d+) ([TtRrDd]) (.+)$`)

// sizesOf is how many bytes the symbols of a binary have, by kinds of packages.
func sizesOf(t *testing.T, binary string) map[string]int {
	t.Helper()
	said, err := exec.CommandContext(t.Context(), "go", "tool", "nm", "-size", binary).Output()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]int{}
	for _, line := range symbol.FindAllStringSubmatch(string(said), -1) {
		n, _ := strconv.Atoi(line[1])
		name := line[3]
		if strings.HasPrefix(name, "go:") || strings.HasPrefix(name, "type:") || strings.HasPrefix(name, "runtime.") {
			continue
		}
		of := standard
		folder, last := path.Split(name)
		for _, kind := range kinds {
			if strings.HasPrefix(folder+strings.SplitN(last, ".", 2)[0], kind.begins) {
				of = kind.of
				break
			}
		}
		all[of] += n
	}
	return all
}
