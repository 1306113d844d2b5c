package house

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// command is a command line that a document shows: what it sets in front, and its words.
type command struct {
	in    string // the document
	sets  []string
	words []string
}

var (
	// setting is a variable in front of a command, or behind make: FILE=x.ndjson.
	setting = regexp.MustCompile(`^[A-Z_]+=`)
	// lineEnd is where a command ends for this test: a comment, a pipe, a redirection.
	lineEnd = regexp.MustCompile(`\s(?:#|\||>|<)\s?.*$|\s+[a-z]+ ` + "`.*$")
)

// commands are those in the documents' code that begin with this program.
func commands(t *testing.T, program string) []command {
	t.Helper()
	var all []command
	for _, d := range documents(t) {
		var lines []string
		for _, block := range d.blocks {
			lines = append(lines, strings.Split(strings.ReplaceAll(block, "\\\n", " "), "\n")...)
		}
		for _, line := range slices.Concat(d.spans, lines) {
			words := quotedFields(lineEnd.ReplaceAllString(line, ""))
			first := slices.IndexFunc(words, func(word string) bool { return !setting.MatchString(word) })
			if first >= 0 && words[first] == program && len(words) > first+1 {
				all = append(all, command{d.name, words[:first], words[first+1:]})
			}
		}
	}
	return all
}

// quotedFields are the words of a line; what stands in quotes is part of one word.
func quotedFields(line string) []string {
	return regexp.MustCompile(`(?:'[^']*'|"[^"]*"|\S)+`).FindAllString(line, -1)
}

// TestMakeTargetsAreThere looks for the targets and the variables of every make command.
func TestMakeTargetsAreThere(t *testing.T) {
	makefile := source(t, "Makefile")
	var settings strings.Builder
	settings.WriteString(makefile)
	for _, name := range goFiles(t) {
		if !strings.HasSuffix(name, "_test.go") {
			settings.WriteString(source(t, name))
		}
	}
	all := commands(t, "make")
	if len(all) < 20 {
		t.Errorf("%d make commands only", len(all))
	}
	for _, c := range all {
		for _, word := range slices.Concat(c.sets, c.words) {
			name, _, assigned := strings.Cut(word, "=")
			switch {
			case assigned && !regexp.MustCompile(`\b`+name+`\b`).MatchString(settings.String()):
				t.Errorf("%s sets %s for make, which nothing reads", c.in, name)
			case !assigned && !regexp.MustCompile(`(?m)^`+word+`:`).MatchString(makefile):
				t.Errorf("%s names make %s, which the Makefile does not have", c.in, word)
			}
		}
	}
}

// TestHelpHasEveryTarget compares the list of make help with the targets of .PHONY.
func TestHelpHasEveryTarget(t *testing.T) {
	help := exec.Command("make", "-s", "help")
	help.Dir = root(t)
	out, err := help.Output()
	if err != nil {
		t.Fatal(err)
	}
	phony := regexp.MustCompile(`(?m)^\.PHONY: (.*)$`).FindStringSubmatch(source(t, "Makefile"))
	for _, target := range strings.Fields(phony[1]) {
		if !strings.Contains(string(out), "  make "+target+" ") {
			t.Errorf("make help does not list %s", target)
		}
	}
}

// TestSubcommandsAreThere asks customercare itself for the help of every command that
// the documents show, and looks for its flags there.
func TestSubcommandsAreThere(t *testing.T) {
	program := filepath.Join(t.TempDir(), "customercare")
	build := exec.Command("go", "build", "-o", program, "./infra/cmd/customercare")
	build.Dir = root(t)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	help := func(words ...string) string {
		out, err := exec.Command(program, append(words, "--help")...).CombinedOutput()
		if err != nil {
			t.Errorf("customercare %s --help: %v: %s", strings.Join(words, " "), err, out)
		}
		return string(out)
	}
	known := func(text, subcommand string) bool {
		return regexp.MustCompile(`(?m)^\s+` + regexp.QuoteMeta(subcommand) + `\s+[A-Z]`).MatchString(text)
	}
	all := commands(t, "customercare")
	if len(all) < 10 {
		t.Errorf("%d customercare commands only", len(all))
	}
	for _, c := range all {
		var path []string
		text := help()
		for _, word := range c.words {
			if !regexp.MustCompile(`^[a-z][a-z-]*$`).MatchString(word) || !known(text, word) {
				break
			}
			path = append(path, word)
			text = help(path...)
		}
		switch {
		case len(path) == 0 && !strings.HasPrefix(c.words[0], "-") && !strings.HasPrefix(c.words[0], "<"):
			t.Errorf("%s names customercare %s, which is no command", c.in, c.words[0])
		case strings.Contains(text, "\nAvailable Commands:") && len(c.words) > len(path) && !strings.HasPrefix(c.words[len(path)], "-"):
			t.Errorf("%s names customercare %s, which is no command", c.in, strings.Join(c.words[:len(path)+1], " "))
		}
		for _, word := range c.words {
			flag, _, _ := strings.Cut(word, "=")
			if strings.HasPrefix(flag, "--") && !regexp.MustCompile(regexp.QuoteMeta(flag)+`[ \n[]`).MatchString(text) {
				t.Errorf("%s names %s of customercare %s, which does not have it", c.in, flag, strings.Join(path, " "))
			}
		}
	}
}

// TestGoCommandsAreThere looks for the packages and tests of every go command.
func TestGoCommandsAreThere(t *testing.T) {
	var tests strings.Builder
	for _, name := range goFiles(t) {
		if strings.HasSuffix(name, "_test.go") {
			for _, found := range declared.FindAllStringSubmatch(source(t, name), -1) {
				tests.WriteString(filepath.ToSlash(filepath.Dir(name)) + " " + found[1] + "\n")
			}
		}
	}
	for _, c := range commands(t, "go") {
		folder := ""
		for _, word := range c.words {
			if in, ok := strings.CutPrefix(word, "./"); ok {
				folder = in
				if found, _ := filepath.Glob(filepath.Join(root(t), in, "*.go")); len(found) == 0 {
					t.Errorf("%s names the package %s, which is not there", c.in, word)
				}
			}
		}
		if at := slices.Index(c.words, "-run"); at >= 0 && at+1 < len(c.words) {
			if !regexp.MustCompile(`(?m)^` + folder + ` .*` + c.words[at+1]).MatchString(tests.String()) {
				t.Errorf("%s runs %s in %s, where there is no such test", c.in, c.words[at+1], folder)
			}
		}
	}
}
