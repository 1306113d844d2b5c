package media

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"customercare/infra/fuzz/bounds"
)

func TestParse(t *testing.T) {
	const none = "none"
	for value, want := range map[string]string{
		"application/json":                  "application/json map[]",
		" Application/JSON ; Charset=UTF-8": "application/json map[charset:UTF-8]",
		`a/b; c="d,e;f=g\"h"`:               `a/b map[c:d,e;f=g"h]`,
		`a/b; c=";d=e"; f=g; ;`:             "a/b map[c:;d=e f:g]",
		"a/b;;;=":                           "a/b map[]",
		"a/b; c; d=; =e; f=g":               "a/b map[f:g]",
		"a/b; c=d e; f=g":                   "a/b map[f:g]",
		`a/b; c="d; f=g`:                    "a/b map[f:g]", // no end: no quoted string
		`a/b; c=d"; f="g`:                   "a/b map[]",
		`a/b; c="d"e; f=g`:                  "a/b map[f:g]",
		"a/b; c=d; c=d; f=g":                "a/b map[c:d f:g]",
		"a/b; c=d; C=e; c=d; f=g":           "a/b map[f:g]", // which of them counts, nobody knows
		"a/b; charset*=utf-8''x":            "a/b map[charset:x]",
		"*":                                 "* map[]",
		"*/*;q=0.5":                         "*/* map[q:0.5]",
		"":                                  none,
		";charset=utf-8":                    none,
		"a/":                                none,
		"a/b/c; d=e":                        none,
		"a/b, c/d":                          none,
		"a / b":                             none,
		`"a/b"`:                             none,
		"\xff/b":                            none,
	} {
		got := none
		if typ, ok := Parse(value); ok {
			got = fmt.Sprint(typ.Name, " ", typ.Params)
		}
		if got != want {
			t.Errorf("%q: got %s, want %s", value, got, want)
		}
	}
}

func TestList(t *testing.T) {
	for value, want := range map[string][]string{
		"":                     {""},
		"a/b, c/d;e=f":         {"a/b", " c/d;e=f"},
		",a,":                  {"", "a", ""},
		`a;b="c,d",e`:          {`a;b="c,d"`, "e"},
		`a;b = "c,d" ;f=",",e`: {`a;b = "c,d" ;f=","`, "e"},
		`a;b="\",\\",e`:        {`a;b="\",\\"`, "e"},
		`a;b="c,d`:             {`a;b="c`, "d"},
		`a;b="c\",d`:           {`a;b="c\"`, "d"},
		`a;b=c",d";e`:          {`a;b=c"`, `d";e`},
		`a="b,c"`:              {`a="b`, `c"`}, // only a parameter has a value
		`a;b="c",d="e,f"`:      {`a;b="c"`, `d="e`, `f"`},
	} {
		if got := List(value); !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", value, got, want)
		}
	}
}

func TestContentType(t *testing.T) {
	for _, test := range []struct {
		values    []string
		name      string
		given, ok bool
	}{
		{nil, "", false, false},
		{[]string{""}, "", false, false},
		{[]string{" ", "\t"}, "", false, false},
		{[]string{"a/b"}, "a/b", true, true},
		{[]string{"", "a/b", " "}, "a/b", true, true},
		{[]string{"a/b;;"}, "a/b", true, true},
		{[]string{"a/b", "a/b"}, "", true, false},
		{[]string{"a/b", "?"}, "", true, false},
		{[]string{";"}, "", true, false},
	} {
		got, given, ok := ContentType(http.Header{"Content-Type": test.values})
		if got.Name != test.name || given != test.given || ok != test.ok {
			t.Errorf("%q: got %q, %v, %v", test.values, got.Name, given, ok)
		}
	}
}

func TestText(t *testing.T) {
	for _, test := range []struct{ body, text, wide string }{
		{"", "", ""},
		{"abc", "abc", ""},
		{"\uFEFF", "", ""},
		{"\uFEFFé", "é", ""},
		{"\uFEFF\uFEFFé", "\uFEFFé", ""},
		{"é\uFEFF", "é\uFEFF", ""},
		{"\xef\xbb", "\xef\xbb", ""},
		{"\xff\xfe<\x00", "\xff\xfe<\x00", "UTF-16"},
		{"\xfe\xff\x00<", "\xfe\xff\x00<", "UTF-16"},
		{"\xff\xfe", "\xff\xfe", "UTF-16"},
		{"<\x00a\x00", "<\x00a\x00", "UTF-16"},
		{"\x00<\x00a", "\x00<\x00a", "UTF-16"},
		{"\xff\xfe\x00\x00<\x00\x00\x00", "\xff\xfe\x00\x00<\x00\x00\x00", "UTF-32"},
		{"\x00\x00\xfe\xff\x00\x00\x00<", "\x00\x00\xfe\xff\x00\x00\x00<", "UTF-32"},
		{"<\x00\x00\x00", "<\x00\x00\x00", "UTF-32"},
		{"\x00\x00\x00<", "\x00\x00\x00<", "UTF-32"},
		{"{\x00}", "{\x00}", ""}, // a NUL, not UTF-16
		{"\x00\x00\x00\x00", "\x00\x00\x00\x00", ""},
		{"ab\x00c", "ab\x00c", ""},
	} {
		if text, wide := Text([]byte(test.body)); string(text) != test.text || wide != test.wide {
			t.Errorf("%q: got %q, %q", test.body, text, wide)
		}
	}
}

func TestForeign(t *testing.T) {
	for _, test := range []struct{ charset, text, want string }{
		{"", "é\xff", ""},
		{"utf-8", "é\xff", ""},
		{"UTF8", "é", ""},
		{"Utf-8", "é", ""},
		{"us-ascii", "a~\t\x7f", ""},
		{"us-ascii", "é", "us-ascii"},
		{"ISO-8859-1", "\xe9", "ISO-8859-1"},
		{"windows-1252", "é", "windows-1252"},
		{"utf-16", "a", ""},
		{"utf-16", "a\x00", "utf-16"},
		{"nobody's", "a", ""},
		{"nobody's", "é", "an unknown charset"},
		{"<script>", "é", "an unknown charset"},
		{"a\nb", "é", "an unknown charset"},
		{strings.Repeat("x", 40), "é", strings.Repeat("x", 40)},
		{strings.Repeat("x", 41), "é", "an unknown charset"},
	} {
		if got := Foreign(test.charset, test.text); got != test.want {
			t.Errorf("%q in %q: got %q, want %q", test.text, test.charset, got, test.want)
		}
	}
}

// FuzzList: the elements and the commas between them are the value, without quotation
// marks every comma separates two, and each element is a type or none.
func FuzzList(f *testing.F) {
	for _, value := range []string{
		`a/b; c="d,e", f/g;q=0.1`, `a;b="\",\\",e`, `a;b="c,d`, ",;=,;\"", strings.Repeat(`;a="`, 3000), strings.Repeat(`a/b;c="\`, 1000), strings.Repeat(";", 9000), strings.Repeat("a/b;c=d", 1000),
	} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		var elements []string
		bounds.Check(t, func() {
			elements = List(value)
			for _, element := range elements {
				typ, ok := Parse(element)
				if ok != (typ.Name != "") || !ok && len(typ.Params) > 0 || typ.Name != strings.ToLower(typ.Name) {
					t.Errorf("%q is %+v, %v", element, typ, ok)
				}
			}
		})
		if strings.Join(elements, ",") != value {
			t.Errorf("%q came apart as %q", value, elements)
		}
		if !strings.Contains(value, `"`) && len(elements) != strings.Count(value, ",")+1 {
			t.Errorf("%q came apart as %q", value, elements)
		}
	})
}
