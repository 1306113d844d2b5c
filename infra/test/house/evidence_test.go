package house

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"customercare/shared/receipt"
	"customercare/shared/statement"
)

// TestEvidenceHasEveryField compares the fields of a statement, and of a receipt's line
// about one subject, with docs/evidence.md: the same ones, in the same order.
func TestEvidenceHasEveryField(t *testing.T) {
	evidence := named(t, "docs/evidence.md")
	var listed []string
	for _, row := range regexp.MustCompile("(?m)^\\| ((?:`\\w+`(?:, )?)+) \\|").FindAllStringSubmatch(evidence.section("a-statement"), -1) {
		listed = append(listed, regexp.MustCompile(`\w+`).FindAllString(row[1], -1)...)
	}
	if want := fields(reflect.TypeFor[statement.Statement]()); !slices.Equal(listed, want) {
		t.Errorf("docs/evidence.md lists the fields %s of a statement, the code writes %s", listed, want)
	}
	_, about, _ := strings.Cut(evidence.section("a-receipt"), "fields in this order: ")
	about, _, _ = strings.Cut(about, "Every byte")
	listed = nil
	for _, found := range regexp.MustCompile("`(\\w{2,})`").FindAllStringSubmatch(about, -1) {
		listed = append(listed, found[1])
	}
	if want := fields(reflect.TypeFor[receipt.Subject]()); !slices.Equal(listed, want) {
		t.Errorf("docs/evidence.md lists the fields %s of a subject's line, the code writes %s", listed, want)
	}
}

// fields are the names that a struct's fields have in JSON, in the order in which they
// are written.
func fields(of reflect.Type) (names []string) {
	for f := range of.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name != "":
			names = append(names, name)
		case f.Anonymous && f.Type.Kind() == reflect.Pointer:
			names = append(names, fields(f.Type.Elem())...)
		}
	}
	return names
}
