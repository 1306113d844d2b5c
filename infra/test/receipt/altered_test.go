package receipt

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"customercare/shared/receipt"
)

// alteration is a receipt that is not as it was issued.
type alteration struct {
	name string
	text []byte
}

// altered gives a receipt altered in every kind.
func altered(t testing.TB, s sample) (all []alteration) {
	t.Helper()
	add := func(name string, text []byte) { all = append(all, alteration{name, text}) }
	alter := func(name string, change func(p *parts)) {
		p := take(t, s.text)
		change(p)
		add(name, p.text())
	}
	p := take(t, s.text)

	for _, f := range fields(t, p.statement()) {
		was := fmt.Sprintf("%q:%s", f.name, f.value)
		alter("statement: another "+f.name, func(p *parts) {
			p.say(strings.Replace(p.statement(), was, fmt.Sprintf("%q:%s", f.name, another(f.value)), 1))
		})
		alter("statement: without "+f.name, func(p *parts) {
			p.say(strings.Replace(strings.Replace(p.statement(), was, "", 1), ",,", ",", 1))
		})
	}
	alter("statement: a field more", func(p *parts) { p.say(strings.TrimSuffix(p.statement(), "}") + `,"atLeast":true}`) })
	alter("statement: another spelling", func(p *parts) { p.say(strings.Replace(p.statement(), `":`, `": `, 1)) })
	alter("statement: not there", func(p *parts) { p.say("") })
	alter("statement: no JSON", func(p *parts) { p.say("erased") })
	alter("statement: a line feed more", func(p *parts) { p.extra = "\n" + p.extra })
	alter("extra: without its last line feed", func(p *parts) { p.extra = strings.TrimSuffix(p.extra, "\n") })
	alter("extra: a line feed more", func(p *parts) { p.extra += "\n" })
	alter("extra: another line", func(p *parts) { p.extra += "{}\n" })
	alter("extra: CRLF", func(p *parts) { p.extra = strings.ReplaceAll(p.extra, "\n", "\r\n") })
	alter("extra: empty", func(p *parts) { p.extra = "" })
	for _, about := range []string{"{}", "null", "[]", "x", `""`} {
		alter("extra: data subject "+about, func(p *parts) { p.tell(about) })
	}

	alterNumber := func(name string, at func(p *parts) *string) {
		for _, other := range []string{"", "-1", "+" + *at(p), "0" + *at(p), *at(p) + "0", " " + *at(p), *at(p) + " ", *at(p) + ".0", "0x1",
			"9223372036854775807", "9223372036854775808", "18446744073709551616", "99999999999999999999999"} {
			alter(name+" "+other, func(p *parts) { *at(p) = other })
		}
		for n := range 8 {
			if other := fmt.Sprint(n); other != *at(p) {
				alter(name+" "+other, func(p *parts) { *at(p) = other })
			}
		}
	}
	alterNumber("index", func(p *parts) *string { return &p.index })
	alterNumber("size", func(p *parts) *string { return &p.size })

	alter("path: longer", func(p *parts) { p.path = append(slices.Clone(p.path), p.root) })
	alter("path: an empty line", func(p *parts) { p.path = append(slices.Clone(p.path), "") })
	alter("path: longer in front", func(p *parts) { p.path = append([]string{p.root}, p.path...) })
	for i := range p.path {
		alter(fmt.Sprint("path: without ", i), func(p *parts) { p.path = slices.Delete(p.path, i, i+1) })
		alter(fmt.Sprint("path: twice ", i), func(p *parts) { p.path = slices.Insert(p.path, i, p.path[i]) })
		alter(fmt.Sprint("path: another ", i), func(p *parts) { p.path[i] = p.root })
		alter(fmt.Sprint("path: respelled ", i), func(p *parts) { p.path[i] = respelled(p.path[i]) })
		alter(fmt.Sprint("path: shorter ", i), func(p *parts) { p.path[i] = p.path[i][4:] })
		alter(fmt.Sprint("path: without = ", i), func(p *parts) { p.path[i] = strings.TrimSuffix(p.path[i], "=") })
		if i > 0 {
			alter(fmt.Sprint("path: in another order ", i), func(p *parts) { p.path[i-1], p.path[i] = p.path[i], p.path[i-1] })
		}
	}

	alter("root: another", func(p *parts) { p.root = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" })
	alter("root: respelled", func(p *parts) { p.root = respelled(p.root) })
	alter("root: not there", func(p *parts) { p.root = "" })
	alter("checkpoint: an extension", func(p *parts) { p.extensions = "\nmore" })
	alter("checkpoint: an empty extension", func(p *parts) { p.extensions = "\n" })
	for _, other := range []string{"", "another.log", p.origin + "x", strings.ToUpper(p.origin), p.origin + " ", " " + p.origin} {
		alter("origin: "+other, func(p *parts) { p.origin = other })
	}
	for _, other := range []string{"", "c2sp.org/tlog-proof@v2", "c2sp.org/tlog-proof@v1 ", " c2sp.org/tlog-proof@v1", "\ufeffc2sp.org/tlog-proof@v1", "\nc2sp.org/tlog-proof@v1"} {
		alter(fmt.Sprintf("format: %q", other), func(p *parts) { p.format = other })
	}
	alterSignatures(t, s, alter)
	if p.about() != "" {
		alterSubject(t, alter)
	}
	alterText(s.text, add)
	return slices.DeleteFunc(all, func(a alteration) bool { return bytes.Equal(a.text, s.text) })
}

// alterText alters a receipt as a text.
func alterText(text []byte, add func(name string, text []byte)) {
	for n := range text {
		add(fmt.Sprint("cut to ", n), text[:n])
	}
	for _, more := range []string{"\n", "\n\n", " ", "x", "\x00", "\r\n", "— x AAAA\n", "— x AAAAAAA\n", "— x y z\n", "— \n", "- x AAAAAAAA\n", "—  AAAAAAAA\n", "— a+b AAAAAAAA\n",
		"— a\x01b AAAAAAAA\n", "— x AAAAAAAB====\n", string(text)} {
		add(fmt.Sprintf("%.20q behind it", more), append(slices.Clone(text), more...))
		add(fmt.Sprintf("%.20q before it", more), append([]byte(more), text...))
	}
	add("CRLF", bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n")))
	add("CR", bytes.ReplaceAll(text, []byte("\n"), []byte("\r")))
	lines := bytes.SplitAfter(text, []byte("\n"))
	for i := range lines {
		line := bytes.TrimSuffix(lines[i], []byte("\n"))
		for name, other := range map[string][]byte{
			"ends with CRLF": append(slices.Clone(line), "\r\n"...), "ends with a blank": append(slices.Clone(line), " \n"...), "is not there": nil,
			"is there twice": slices.Concat(lines[i], lines[i]), "has an empty one behind it": append(slices.Clone(lines[i]), '\n'),
		} {
			// The log's signature twice is one line more that says what is right.
			if changed := slices.Concat(slices.Concat(lines[:i]...), other, slices.Concat(lines[i+1:]...)); i < len(lines)-2 || name != "is there twice" {
				add(fmt.Sprint("line ", i, " ", name), changed)
			}
		}
	}
}

// alterSubject alters the line of the data subject.
func alterSubject(t testing.TB, alter func(string, func(*parts))) {
	t.Helper()
	subject := func(name string, change func(*receipt.Subject)) {
		alter("subject: "+name, func(p *parts) { p.subject(t, change) })
	}
	for _, other := range []string{"", "e", "n", "h", "x", "E", "ee", "é", " "} {
		subject("outcome "+other, func(s *receipt.Subject) { s.Outcome = other })
	}
	for _, n := range []int{-1, 0, 1, 2, 999, 1000, 1 << 53, 1<<63 - 1} {
		subject(fmt.Sprint("index ", n), func(s *receipt.Subject) { s.Index = n })
	}
	for _, other := range []string{"", "4712", "customer#greatwidgets#4712", "customer#greatwidget#4711", "number#greatwidgets#4711", "customer#greatwidgets#4711#", "number#acme%231#135"} {
		subject("subject "+other, func(s *receipt.Subject) { s.Subject = other })
	}
	subject("another opening", func(s *receipt.Subject) { s.Opening[31] ^= 1 })
	subject("no opening", func(s *receipt.Subject) { s.Opening = nil })
	subject("an empty opening", func(s *receipt.Subject) { s.Opening = []byte{} })
	// The opening and the message are hashed one behind the other: both moved by the same
	// bytes give the same hash, of another subject.
	for _, n := range []int{1, 7, 21} {
		subject(fmt.Sprint("the subject begins later by ", n), func(s *receipt.Subject) {
			s.Opening, s.Subject = append(s.Opening, s.Subject[:n]...), s.Subject[n:]
		})
	}
	subject("a path that is null", func(s *receipt.Subject) {
		if s.Path = s.Path[:len(s.Path):len(s.Path)]; len(s.Path) == 0 {
			s.Path = nil
		} else {
			s.Path[0] = nil
		}
	})
	subject("a longer path", func(s *receipt.Subject) { s.Path = append(s.Path, make([]byte, 32)) })
	subject("a path that begins with an empty hash", func(s *receipt.Subject) { s.Path = append([][]byte{{}}, s.Path...) })
	subject("a shorter path", func(s *receipt.Subject) { s.Path = s.Path[:max(0, len(s.Path)-1)] })
	subject("the path from its end", func(s *receipt.Subject) { slices.Reverse(s.Path) })
	for i := range 10 {
		subject(fmt.Sprint("path: another ", i), func(s *receipt.Subject) {
			if i < len(s.Path) {
				s.Path[i][0] ^= 1
			}
		})
	}
	for was, other := range map[string]string{
		`{"index"`: `{ "index"`, `"index"`: `"Index"`, `,"opening"`: `,"index":0,"opening"`, `"subject":`: `"subject":"customer#greatwidgets#4712","subject":`,
		`"path":`: `"more":1,"path":`, `"outcome":"e",`: `"outcome":"e","outcome":"e",`, `customer#`: `\u0063ustomer#`, `number#`: `n\u0075mber#`, `"}`: `"} `, `"subject"`: `"subjects"`,
		`=",`: `==",`, `"opening":"`: `"opening":" `, `,"path":[`: `,"outcome":"","path":[`, `\u003c`: `<`, `\u2028`: "\u2028", `\u003e`: `\u003E`,
	} {
		alter(fmt.Sprintf("subject: %s for %s", other, was), func(p *parts) { p.tell(strings.Replace(p.about(), was, other, 1)) })
	}
	alter("subject: index 0.0", func(p *parts) { p.tell(strings.Replace(p.about(), `,"opening"`, `.0,"opening"`, 1)) })
	alter("subject: index e0", func(p *parts) { p.tell(strings.Replace(p.about(), `,"opening"`, `e0,"opening"`, 1)) })
	alter("subject: respelled opening", func(p *parts) {
		f := fields(t, p.about())[1].value
		p.tell(strings.Replace(p.about(), f, `"`+respelled(strings.Trim(f, `"`))+`"`, 1))
	})
	alter("subject: twice", func(p *parts) { p.tell(p.about() + "\n" + p.about()) })
	alter("subject: before the statement", func(p *parts) { p.extra = p.about() + "\n" + p.statement() + "\n" })
}
