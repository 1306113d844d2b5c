package scale

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// source is the constants of the product's code, by folder and name. They are read from
// the source, because most are nobody's business outside their packages, and a page that
// named its own would go on saying what the code has ceased to do.
type source struct {
	root    string
	folders map[string]map[string]ast.Expr
}

// value evaluates a constant of a folder: numbers, times of package time, and what other
// constants of the folder and +, * and << make of them. A time is in nanoseconds.
func (s *source) value(folder, name string) (int64, error) {
	known, ok := s.folders[folder]
	if !ok {
		known = map[string]ast.Expr{}
		files, err := filepath.Glob(filepath.Join(s.root, folder, "*.go"))
		if err != nil {
			return 0, err
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
			if err != nil {
				return 0, err
			}
			declared(file, known)
		}
		if s.folders == nil {
			s.folders = map[string]map[string]ast.Expr{}
		}
		s.folders[folder] = known
	}
	value, err := evaluate(known, &ast.Ident{Name: name})
	if err != nil {
		return 0, fmt.Errorf("constant %s of %s: %w", name, folder, err)
	}
	n, exact := constant.Int64Val(constant.ToInt(value))
	if !exact {
		return 0, fmt.Errorf("constant %s of %s is no whole number", name, folder)
	}
	return n, nil
}

func declared(file *ast.File, into map[string]ast.Expr) {
	for _, declaration := range file.Decls {
		group, ok := declaration.(*ast.GenDecl)
		if !ok || group.Tok != token.CONST {
			continue
		}
		for _, spec := range group.Specs {
			values := spec.(*ast.ValueSpec)
			for i, name := range values.Names {
				if i < len(values.Values) {
					into[name.Name] = values.Values[i]
				}
			}
		}
	}
}

var times = map[string]time.Duration{
	"Nanosecond": time.Nanosecond, "Microsecond": time.Microsecond, "Millisecond": time.Millisecond,
	"Second": time.Second, "Minute": time.Minute, "Hour": time.Hour,
}

func evaluate(known map[string]ast.Expr, e ast.Expr) (constant.Value, error) {
	switch e := e.(type) {
	case *ast.BasicLit:
		return constant.MakeFromLiteral(e.Value, e.Kind, 0), nil
	case *ast.ParenExpr:
		return evaluate(known, e.X)
	case *ast.Ident:
		if other, ok := known[e.Name]; ok {
			return evaluate(known, other)
		}
	case *ast.SelectorExpr:
		if pkg, ok := e.X.(*ast.Ident); ok && pkg.Name == "time" {
			if d, ok := times[e.Sel.Name]; ok {
				return constant.MakeInt64(int64(d)), nil
			}
		}
	case *ast.BinaryExpr:
		x, err := evaluate(known, e.X)
		if err != nil {
			return nil, err
		}
		y, err := evaluate(known, e.Y)
		if err != nil {
			return nil, err
		}
		switch e.Op {
		case token.ADD, token.MUL:
			return constant.BinaryOp(x, e.Op, y), nil
		case token.SHL:
			by, _ := constant.Uint64Val(y)
			return constant.Shift(x, token.SHL, uint(by)), nil
		}
	}
	return nil, fmt.Errorf("not found, or more than a plain constant")
}

func TestConstantsOfSource(t *testing.T) {
	dir := t.TempDir()
	text := `package x

import "time"

const (
	a    = 3
	b, c = a << 2, (a + 1) * time.Second
)

const d = f()

var e = 1
`
	if err := os.WriteFile(filepath.Join(dir, "x.go"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "x_test.go"), []byte("package x\n\nconst g = 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := source{dir, nil}
	for name, want := range map[string]int64{"a": 3, "b": 12, "c": int64(4 * time.Second)} {
		if got, err := s.value(".", name); err != nil || got != want {
			t.Errorf("%s is %d, %v", name, got, err)
		}
	}
	for _, name := range []string{"d", "e", "f", "g"} {
		if got, err := s.value(".", name); err == nil {
			t.Errorf("%s is %d", name, got)
		}
	}
}
