package bench_test

import (
	"bytes"
	"io"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"customercare/infra/bench"
	"customercare/infra/local/template"
	"customercare/infra/testkit/dynamotest"
)

// What a function may allocate before main: in packages of this repository, and in all
// packages more than its floor. A regular expression is about 10,000 bytes.
const (
	ourInitBytes, ourInitAllocs = 12_000, 100
	moreInitBytes               = 32_000
)

// initialized is what variables of packages allocate before main.
type initialized struct{ bytes, allocs int }

func (i *initialized) add(other initialized) {
	i.bytes += other.bytes
	i.allocs += other.allocs
}

var initLine = regexp.MustCompile(`(?m)^init (\S+) @.* (\d+) bytes, (\d+) allocs$`)

// inits is what a binary allocates before main, by GODEBUG=inittrace=1. Without settings
// the function itself says that it cannot start.
func inits(t *testing.T, binary string) (ours, all initialized) {
	t.Helper()
	command := exec.CommandContext(t.Context(), binary)
	var said bytes.Buffer
	command.Env, command.Stdout, command.Stderr = []string{"GODEBUG=inittrace=1"}, io.Discard, &said
	_ = command.Run()
	found := initLine.FindAllStringSubmatch(said.String(), -1)
	if len(found) < 20 {
		t.Fatalf("%s tells of %d packages", binary, len(found))
	}
	for _, line := range found {
		size, _ := strconv.Atoi(line[2])
		allocs, _ := strconv.Atoi(line[3])
		one := initialized{size, allocs}
		if all.add(one); line[1] == "main" || strings.HasPrefix(line[1], "customercare/") {
			ours.add(one)
		}
	}
	return ours, all
}

// No function prepares before main what only some of its calls need. A bound in bytes
// holds on a busy machine, too.
func TestInit(t *testing.T) {
	root := dynamotest.Root()
	b := New(root, io.Discard, t.Logf)
	if err := b.Build(t.Context()); err != nil {
		t.Fatal(err)
	}
	stack, err := template.Load(filepath.Join(root, "template.yaml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	floors := map[string]initialized{}
	for _, folder := range bench.Hellos {
		_, floors[folder] = inits(t, filepath.Join(b.Floors, folder, "bootstrap"))
	}
	for _, f := range stack.Functions {
		ours, all := inits(t, filepath.Join(b.Functions, f.Folder, "bootstrap"))
		folder, _ := bench.HelloOf(f)
		more := all.bytes - floors[folder].bytes
		t.Logf("%-22s ours %6d bytes, %3d allocations; %6d bytes more than %s", f.Folder, ours.bytes, ours.allocs, more, folder)
		if ours.bytes > ourInitBytes || ours.allocs > ourInitAllocs || more > moreInitBytes {
			t.Errorf("%s allocates %d bytes in %d allocations of ours before main, %d more than %s in all", f.Folder, ours.bytes,
				ours.allocs, more, folder)
		}
	}
}
