package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// maxColumns is how wide a comment may be. A tab counts four.
const maxColumns = 90

// TestCommentsAreNarrow measures the lines that are a comment and nothing else. Links
// may be as long as they are.
func TestCommentsAreNarrow(t *testing.T) {
	for _, name := range goFiles(t) {
		for i, line := range strings.Split(source(t, name), "\n") {
			trimmed := strings.TrimLeft(line, "\t ")
			if !strings.HasPrefix(trimmed, "// ") || strings.Contains(trimmed, "://") {
				continue
			}
			tabs := strings.Count(line[:len(line)-len(trimmed)], "\t")
			if columns := utf8.RuneCountInString(line) + 3*tabs; columns > maxColumns {
				t.Errorf("%s:%d: a comment of %d columns", name, i+1, columns)
			}
		}
	}
}

// TestCommentsOfTheTemplateAreNarrow does the same for template.yaml and the Makefile.
// They may have 100 columns, because their own lines are that wide.
func TestCommentsOfTheTemplateAreNarrow(t *testing.T) {
	for _, name := range []string{"template.yaml", "Makefile", "samconfig.toml"} {
		for i, line := range strings.Split(source(t, name), "\n") {
			if strings.HasPrefix(strings.TrimSpace(line), "# ") && utf8.RuneCountInString(line) > 100 {
				t.Errorf("%s:%d: a comment of %d columns", name, i+1, utf8.RuneCountInString(line))
			}
		}
	}
}

// TestCommentsBeginWithTheName reads the comments of exported declarations: what they
// are about is the first word, or the second behind an article.
func TestCommentsBeginWithTheName(t *testing.T) {
	for _, name := range goFiles(t) {
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, filepath.Join(root(t), name), nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		check := func(of *ast.Ident, doc *ast.CommentGroup) {
			if doc == nil || !of.IsExported() || strings.HasPrefix(doc.List[0].Text, "//go:") {
				return
			}
			words := strings.Fields(doc.Text())
			if len(words) > 1 && (words[0] == "A" || words[0] == "An" || words[0] == "The") {
				words = words[1:]
			}
			if len(words) == 0 || strings.TrimRight(words[0], ",.:;'s") != strings.TrimRight(of.Name, "s") {
				t.Errorf("%s: the comment of %s does not begin with its name", set.Position(doc.Pos()), of.Name)
			}
		}
		for _, declaration := range file.Decls {
			switch d := declaration.(type) {
			case *ast.FuncDecl:
				if !strings.HasSuffix(name, "_test.go") { // a test's comment is a sentence about the product
					check(d.Name, d.Doc)
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					doc := d.Doc
					switch s := spec.(type) {
					case *ast.TypeSpec:
						if s.Doc != nil || d.Lparen.IsValid() {
							doc = s.Doc
						}
						check(s.Name, doc)
					case *ast.ValueSpec:
						if s.Doc != nil || d.Lparen.IsValid() {
							doc = s.Doc
						}
						if len(s.Names) == 1 {
							check(s.Names[0], doc)
						}
					}
				}
			}
		}
	}
}
