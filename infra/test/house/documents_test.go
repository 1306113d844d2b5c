// Package house tests the documents and the style of the repository: that what the
// documents name exists, and that the files keep the rules of CONTRIBUTING.md.
package house

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"

	"customercare/infra/project"
)

// document is one Markdown file, read as GitHub reads it.
type document struct {
	name     string // from the root: docs/design.md
	headings []heading
	links    []string
	spans    []string // code within a sentence or a cell
	blocks   []string // indented or fenced code
}

// heading is one heading. Its section is the source up to the next heading of the same
// or a higher level.
type heading struct {
	level           int
	anchor, section string
}

// root is the repository's root.
func root(t *testing.T) string {
	t.Helper()
	dir, err := project.Root()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// documents are all that a reader is sent to: those at the root and in docs.
func documents(t *testing.T) []document {
	t.Helper()
	var all []document
	for _, pattern := range []string{"*.md", "docs/*.md"} {
		names, err := filepath.Glob(filepath.Join(root(t), pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			all = append(all, read(t, name))
		}
	}
	if len(all) < 9 {
		t.Fatalf("%d documents only", len(all))
	}
	return all
}

// named is the document with this name from the root.
func named(t *testing.T, name string) document {
	t.Helper()
	return read(t, filepath.Join(root(t), name))
}

func read(t *testing.T, path string) document {
	t.Helper()
	source, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	name, err := filepath.Rel(root(t), path)
	if err != nil {
		t.Fatal(err)
	}
	d := document{name: filepath.ToSlash(name)}
	var starts []int // of the headings, in source
	parsed := goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser().Parse(text.NewReader(source))
	err = ast.Walk(parsed, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Heading:
			d.headings = append(d.headings, heading{level: n.Level, anchor: anchor(textOf(n, source))})
			starts = append(starts, n.Lines().At(0).Start)
		case *ast.Link:
			d.links = append(d.links, string(n.Destination))
		case *ast.CodeSpan:
			d.spans = append(d.spans, strings.Join(strings.Fields(textOf(n, source)), " "))
		case *ast.CodeBlock:
			d.blocks = append(d.blocks, string(n.Lines().Value(source)))
		case *ast.FencedCodeBlock:
			d.blocks = append(d.blocks, string(n.Lines().Value(source)))
		}
		return ast.WalkContinue, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range d.headings {
		end := len(source)
		for j := i + 1; j < len(d.headings); j++ {
			if d.headings[j].level <= d.headings[i].level {
				end = starts[j]
				break
			}
		}
		d.headings[i].section = string(source[starts[i]:end])
	}
	return d
}

// textOf is the text below a node, without its markup.
func textOf(n ast.Node, source []byte) string {
	var b strings.Builder
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if leaf, ok := n.(*ast.Text); ok && entering {
			b.Write(leaf.Segment.Value(source))
			if leaf.SoftLineBreak() {
				b.WriteByte(' ')
			}
		}
		return ast.WalkContinue, nil
	})
	return b.String()
}

// anchor is the name that GitHub gives a heading: lower case, spaces as hyphens, and of
// the other characters letters, digits, hyphens and underscores alone.
func anchor(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9', r == '-', r == '_':
			return r
		}
		return -1
	}, strings.ToLower(heading))
}

// has says whether the document has a heading with this anchor.
func (d document) has(anchor string) bool {
	return slices.ContainsFunc(d.headings, func(h heading) bool { return h.anchor == anchor })
}

// section is the source below the heading with this anchor, "" where there is none.
func (d document) section(anchor string) string {
	for _, h := range d.headings {
		if h.anchor == anchor {
			return h.section
		}
	}
	return ""
}
