package house

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"customercare/shared/operation"
)

var (
	// aSentence is what an answer may say: some words, no code.
	aSentence = regexp.MustCompile(`^[\w<\[\]>-]+,? [^{}=]* [^{}=]*$`)
	// verb is where fmt puts a value into a sentence.
	verb = regexp.MustCompile(`%[a-z]`)
	// aWord tells a piece of a sentence from a value in it, which has one word at most: a
	// field's name, a charset, the unit of a number.
	aWord = regexp.MustCompile(`[A-Za-z]{2,}`)
)

// TestContractsSayWhatTheCodeSays finds every sentence of docs/contracts.md and
// docs/status.md in the code: it is made of the texts of the functions, of what they
// share and of template.yaml, and of values between them.
func TestContractsSayWhatTheCodeSays(t *testing.T) {
	for name, least := range map[string]int{"docs/contracts.md": 40, "docs/status.md": 12} {
		sentences(t, name, least)
	}
}

// sentences looks for those of one document, of which there are at least so many.
func sentences(t *testing.T, document string, least int) {
	t.Helper()
	texts := productTexts(t)
	checked := 0
	for _, span := range named(t, document).spans {
		if !aSentence.MatchString(span) || strings.Contains(span, "/") && !strings.Contains(span, "Content-Type") {
			continue
		}
		checked++
		rest := []string{span}
		for _, text := range texts { // longest first
			var next []string
			for _, part := range rest {
				next = append(next, strings.Split(part, text)...)
			}
			rest = next
		}
		for _, part := range rest {
			if len(aWord.FindAllString(part, -1)) > 1 {
				t.Errorf("%s: %q: no code says %q", document, span, part)
			}
		}
	}
	if checked < least {
		t.Errorf("%s has %d sentences only", document, checked)
	}
}

// TestContractsHaveEveryOperation looks for a section and a row for each operation of
// shared/operation, in its order, and for its row in the README.
func TestContractsHaveEveryOperation(t *testing.T) {
	contracts, readme := named(t, "docs/contracts.md"), named(t, "README.md")
	var sections []heading
	for _, h := range contracts.headings {
		if strings.HasPrefix(h.anchor, "operation-") {
			sections = append(sections, h)
		}
	}
	if len(sections) != len(operation.All) {
		t.Fatalf("docs/contracts.md has sections for %d operations of %d", len(sections), len(operation.All))
	}
	for i, o := range operation.All {
		if !strings.HasPrefix(sections[i].anchor, fmt.Sprintf("operation-%d-", i+1)) || !strings.Contains(sections[i].section, "functions/"+o.Name) {
			t.Errorf("section %d of docs/contracts.md is not about %s", i+1, o.Name)
		}
		for _, path := range o.Paths {
			path, _ = strings.CutPrefix(path, "/risk-cc")
			for _, d := range []document{contracts, readme} {
				if !slices.Contains(d.spans, o.Method+" "+path) {
					t.Errorf("%s has no row with %s %s", d.name, o.Method, path)
				}
			}
		}
	}
}

// productTexts are the pieces of text that answers are made of, the longest first.
func productTexts(t *testing.T) []string {
	t.Helper()
	var all []string
	add := func(text string) {
		for _, piece := range verb.Split(text, -1) {
			if len(strings.TrimSpace(piece)) >= 5 {
				all = append(all, piece)
			}
		}
	}
	for _, name := range goFiles(t) {
		if strings.HasPrefix(name, "infra/") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root(t), name), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
				if text, err := strconv.Unquote(literal.Value); err == nil {
					add(text)
				}
			}
			return true
		})
	}
	for _, found := range regexp.MustCompile(`"(?:responseMessage|retMsg)":"([^"]+)"`).FindAllStringSubmatch(source(t, "template.yaml"), -1) {
		add(found[1])
	}
	slices.SortFunc(all, func(a, b string) int { return len(b) - len(a) })
	return slices.Compact(all)
}
