package media

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"customercare/infra/testkit/bounds"
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

// Charset is what a type says of a charset, also where that cannot be read. A parameter
// that says nothing at all is none.
func TestCharset(t *testing.T) {
	for value, want := range map[string]string{
		"a/b":                                      "",
		"a/b; charset=latin1":                      "latin1",
		`a/b; CHARSET = "Latin1"`:                  "Latin1",
		"a/b; charset=latin1; charset=latin1":      "latin1",
		"a/b; charset=utf-8; charset=UTF8;":        "utf-8",
		"a/b; charset":                             "",
		"a/b; charset = ; c":                       "",
		"a/b; charset*=; c":                        "",
		`a/b; charset=""`:                          "",
		`a/b; c="d;charset=latin1"`:                "",
		`a/b;; c="charset"`:                        "",
		"a/b; charset=; charset=latin1":            "latin1",
		`a/b; c="d; charset=latin1`:                "latin1",
		"a/b; charset*=utf-8''latin1":              "latin1",
		"a/b; charset=latin1; charset=koi8-r":      Unknown,
		"a/b; charset=utf-8; charset=latin1":       Unknown,
		"a/b; charset=latin1; Charset=utf-8":       Unknown,
		"a/b; charset=utf-8; charset*=utf-8''x":    Unknown,
		"a/b; charset*=koi8-r''latin1":             Unknown,
		"a/b; charset*0=utf-8":                     Unknown,
		"a/b; charset*0=utf; charset*1=-8":         Unknown,
		"a/b; charset=ISO 8859-1":                  Unknown,
		"a/b; charset=utf-8 latin1":                Unknown,
		"a/b; charset=utf-8, a/b; charset=latin1":  Unknown,
		`a/b; charset="latin1`:                     Unknown,
		`a/b; charset="latin1"x`:                   Unknown,
		"a/b; charset:latin1":                      Unknown,
		"a/b; charset latin1":                      Unknown,
		"a/b; charset==latin1":                     Unknown,
		"a/b; charset=é":                           Unknown,
		"a/b; charset=utf-8; charset=x y":          Unknown,
		"a/b; c=d charset=latin1":                  Unknown,
		"a/b charset=latin1":                       Unknown,
		"a/b charset=":                             Unknown,
		"a/b, a/b; charset=latin1":                 Unknown,
		"; Charset=latin1":                         Unknown,
		`charset="latin1"; a/b/c`:                  Unknown,
		`charset="UTF-8"; a/b/c`:                   "",
		"a/b charset=utf-8":                        "",
		"a/b, a/b":                                 "",
		"a/b/charset":                              "",
		"a/b; charset=utf-8'":                      "utf-8'",
		"a/b; x-charset=latin1; charset-x=latin1;": "",
	} {
		if typ, _ := Parse(value); typ.Charset() != want {
			t.Errorf("%q: got %q, want %q", value, typ.Charset(), want)
		}
	}
}

// Blanks of Unicode separate as those of ASCII do: package mime passes them over.
func TestCharsetAmongBlanks(t *testing.T) {
	for _, value := range []string{"a/b;; \u00a0charset=latin1; charset=koi8-r", "a/b;; charset\v=latin1; charset=koi8-r", "a/b;;\u2003charset*0=latin1", "a/b\u00a0charset=latin1"} {
		if typ, _ := Parse(value); typ.Charset() != Unknown {
			t.Errorf("%q: got %q", value, typ.Charset())
		}
	}
	for _, value := range []string{"a/b;; \u00a0charset=latin1", "a/b;; charset\v=latin1"} {
		if typ, _ := Parse(value); typ.Charset() != "latin1" {
			t.Errorf("%q: got %q", value, typ.Charset())
		}
	}
}

func TestUnclear(t *testing.T) {
	for value, want := range map[string]bool{
		"a/b": false, "a/b; q=0": false, "a/b; q=0; q=0": false, "a/b; q=": false, "a/b; q; c=d e": false, "a/b; q=x": false,
		"a/b; q=0; q=0.1": true, "a/b; q=0; Q=0.1": true, "a/b; q=0 1": true, `a/b; q="0`: true, "a/b; q*0=1": true, "a/b; q=0; q*=utf-8''1": true,
	} {
		typ, _ := Parse(value)
		_, given := typ.Params["q"]
		if typ.Unclear("q") != want || want && given {
			t.Errorf("%q: got %v, %v", value, typ.Unclear("q"), typ.Params)
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

// Of two types the charset is unclear, unless both can be read as UTF-8.
func TestContentTypesCharset(t *testing.T) {
	for _, test := range []struct {
		values []string
		want   string
	}{
		{[]string{"a/b; charset=latin1", ""}, "latin1"},
		{[]string{"a/b; charset=latin1", "a/b; charset=latin1"}, Unknown},
		{[]string{"a/b; charset=latin1", "a/b"}, Unknown},
		{[]string{"a/b", "a/b; charset=latin1"}, Unknown},
		{[]string{"a/b; charset=x y", "", "a/b", "a/b"}, Unknown},
		{[]string{"a/b", "a b; charset=latin1"}, Unknown},
		{[]string{"a b; charset=latin1"}, Unknown},
		{[]string{"a/b; charset=utf-8", "a/b; charset=UTF8"}, ""},
		{[]string{"a/b; charset=utf-8", "a b"}, ""},
		{[]string{"a/b", "a/b"}, ""},
	} {
		if got, _, _ := ContentType(http.Header{"Content-Type": test.values}); got.Charset() != test.want {
			t.Errorf("%q: got %q, want %q", test.values, got.Charset(), test.want)
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
	for start, want := range map[string]string{
		"\xff\xfe<\x00": "little-endian", "\xfe\xff\x00<": "big-endian", "<\x00a\x00": "little-endian", "\x00<\x00a": "big-endian",
		"\xff\xfe\x00\x00": "little-endian", "\x00\x00\xfe\xff": "big-endian", "<\x00\x00\x00": "little-endian", "\x00\x00\x00<": "big-endian", "abcd": "",
	} {
		if _, order := Wide([]byte(start)); order != want {
			t.Errorf("%q: got %q", start, order)
		}
	}
}

func TestLatin1(t *testing.T) {
	for charset, want := range map[string]bool{
		"ISO-8859-1": true, "latin1": true, "L1": true, "CP819": true, "iso-8859-15": false, "windows-1252": false, "utf-8": false, "": false, Unknown: false,
	} {
		if IsLatin1(charset) != want {
			t.Errorf("%q: got %v", charset, !want)
		}
	}
	if got := FromLatin1([]byte("a\x80\xa0\xe9\xff")); got != "a\u0080\u00a0éÿ" {
		t.Errorf("got %q", got)
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
		{Unknown, "é", "an unknown charset"},
		{Unknown, "a", ""},
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
