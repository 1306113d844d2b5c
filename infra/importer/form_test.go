package importer

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"

	"customercare/infra/testkit/bounds"
)

const (
	goodLine  = `{"kind":"user","customerId":"u"}`
	otherLine = `{"kind":"user","customerId":"v","devices":{"d":[1,{}]}}`
	goodFile  = goodLine + "\n" + otherLine + "\n"
)

// in16 and in32 are text in UTF-16 and UTF-32.
func in16(order binary.AppendByteOrder, text string) string {
	var b []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		b = order.AppendUint16(b, unit)
	}
	return string(b)
}

func in32(order binary.AppendByteOrder, text string) string {
	var b []byte
	for _, r := range text {
		b = order.AppendUint32(b, uint32(r))
	}
	return string(b)
}

func gzipped(t testing.TB, text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func zipped(t testing.TB, text string) string {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.Create("records.ndjson")
	if err == nil {
		_, err = io.WriteString(f, text)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func tarred(t testing.TB, text string) string {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	err := w.WriteHeader(&tar.Header{Name: "records.ndjson", Mode: 0o600, Size: int64(len(text))})
	if err == nil {
		_, err = io.WriteString(w, text)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func indented(t testing.TB, text, prefix, indent string) string {
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(text), prefix, indent); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// Files as a whole, and what they are said to be; "" is a file that is read line by line,
// whatever its lines are.
func TestFormOfAFile(t *testing.T) {
	const (
		be16, le16 = "the file is UTF-16 (big-endian): convert it to UTF-8", "the file is UTF-16 (little-endian): convert it to UTF-8"
		be32, le32 = "the file is UTF-32 (big-endian): convert it to UTF-8", "the file is UTF-32 (little-endian): convert it to UTF-8"
		array      = "the file is a JSON array: write one JSON object a line, as jq -c '.[]' does"
		tall       = "the file has JSON that goes over several lines: write one JSON object a line, as jq -c . does"
	)
	by := func(what string) string {
		return "the file is packed with " + what + ": unpack it, and load what was in it"
	}
	large := `[` + strings.Repeat(goodLine+`,`, 60_000) + goodLine + `]` // more than one line may hold
	many := `[` + strings.Repeat(goodLine+",\n", 60_000) + goodLine + `]`
	for name, c := range map[string]struct{ file, want string }{
		"UTF-16BE":                   {in16(binary.BigEndian, goodFile), be16},
		"UTF-16LE":                   {in16(binary.LittleEndian, goodFile), le16},
		"UTF-16BE with a mark":       {in16(binary.BigEndian, "\uFEFF"+goodFile), be16},
		"UTF-16LE with a mark":       {in16(binary.LittleEndian, "\uFEFF"+goodFile), le16},
		"UTF-16LE after blank lines": {in16(binary.LittleEndian, "\r\n\r\n"+goodFile), le16},
		"UTF-16LE array":             {in16(binary.LittleEndian, "["+goodLine+"]"), le16},
		"a mark of UTF-16 alone":     {"\xff\xfe", le16},
		"UTF-32BE":                   {in32(binary.BigEndian, goodFile), be32},
		"UTF-32LE":                   {in32(binary.LittleEndian, goodFile), le32},
		"UTF-32BE with a mark":       {in32(binary.BigEndian, "\uFEFF"+goodFile), be32},
		"UTF-32LE with a mark":       {in32(binary.LittleEndian, "\uFEFF"+goodFile), le32},
		"gzip":                       {gzipped(t, goodFile), by("gzip")},
		"gzip of nothing":            {gzipped(t, ""), by("gzip")},
		"zip":                        {zipped(t, goodFile), by("zip")},
		"an empty zip":               {"PK\x05\x06" + strings.Repeat("\x00", 18), by("zip")},
		"zstd":                       {"\x28\xb5\x2f\xfd\x04\x00\x01\x00\x00\x99\xe9\xd8\x51", by("zstd")},
		"bzip2":                      {"BZh91AY&SY\x01\x02", by("bzip2")},
		"xz":                         {"\xfd7zXZ\x00\x00\x04\xe6\xd6\xb4\x46", by("xz")},
		"lz4":                        {"\x04\x22\x4d\x18\x64\x40\xa7", by("lz4")},
		"lzip":                       {"LZIP\x01\x0c", by("lzip")},
		"compress":                   {"\x1f\x9d\x90\x7b", by("compress")},
		"7z":                         {"7z\xbc\xaf\x27\x1c\x00\x04", by("7z")},
		"snappy":                     {"\xff\x06\x00\x00sNaPpY\x01", by("snappy")},
		"tar":                        {tarred(t, goodFile), by("tar")},
		"Parquet": {"PAR1\x15\x04\x15\x10",
			"the file is a Parquet file: write its rows as one JSON object a line"},
		"Avro": {"Obj\x01\x04\x14avro.codec",
			"the file is an Avro file: write its records as one JSON object a line"},
		"JSON text sequence": {"\x1e" + goodLine + "\n\x1e" + otherLine + "\n",
			"the file is a JSON text sequence: write one JSON object a line, without the record separators"},
		"array":                       {"[" + goodLine + "," + otherLine + "]", array},
		"array with a mark":           {"\uFEFF\n [" + goodLine + "]\n", array},
		"empty array":                 {"[]", array},
		"array of no objects":         {`["a", 1]` + "\n", array},
		"arrays, a line each":         {`["u","a"]` + "\n" + `["v","b"]` + "\n", array},
		"indented array":              {indented(t, "["+goodLine+","+otherLine+"]", "", "  "), array},
		"array, an object a line":     {"[\n" + goodLine + ",\n" + otherLine + "\n]\n", array},
		"array of one object a line":  {"[\n" + goodLine + "\n]\n", array},
		"array, commas before":        {"[" + goodLine + "\n," + otherLine + "\n]\n", array},
		"array with CR LF":            {"[\r\n" + goodLine + ",\r\n" + otherLine + "\r\n]\r\n", array},
		"array that is cut off":       {"[\n" + goodLine + ",\n" + otherLine + ",\n", array},
		"array with a comma too many": {"[\n" + goodLine + ",\n" + otherLine + ",\n]\n", array},
		"array with NaN":              {"[\n" + goodLine + ",\n{\"a\":NaN},\n" + otherLine + "\n]\n", array},
		"large array in one line":     {large, array},
		"large array in lines":        {many, array},
		"indented object":             {indented(t, otherLine, "", "\t"), tall},
		"indented objects": {indented(t, goodLine, "", " ") + "\n" + indented(t, otherLine, "", " ") +
			"\n", tall},
		"an object around an array": {"{\"records\":[\n" + goodLine + ",\n" + otherLine + "]}", tall},
		"indented, a name twice":    {"{\n\"a\":1,\n\"a\":2\n}\n" + goodLine, tall},
		"indented, cut off":         {"{\n  \"kind\": \"user\",\n", tall},
		"indented, broken":          {"{\n  \"kind\": \"user\",\n  oh\n}\n", tall},
		"large indented object":     {"{\n\"x\":[" + strings.Repeat("1,\n", 500_000) + "1]}", tall},

		"nothing":                         {"", ""},
		"a mark alone":                    {"\uFEFF", ""},
		"blank lines":                     {"\n \r\n\t\n", ""},
		"lines":                           {goodFile, ""},
		"one line without an end":         {goodLine, ""},
		"lines after blanks":              {"\uFEFF\r\n\n  " + goodFile, ""},
		"no JSON":                         {"kind,customerId\nuser,u\n", ""},
		"a NUL before good lines":         {"\x00\n" + goodFile, ""},
		"a bad line before good ones":     {`{"kind":"user","customerId":"u` + "\n" + goodFile, ""},
		"cut off behind a colon":          {`{"kind":` + "\n" + goodFile, ""},
		"cut off behind a comma":          {`{"kind":"user",` + "\n" + goodFile, ""},
		"cut off behind a bracket":        {`{"kind":[` + "\n" + goodFile, ""},
		"two cut off lines":               {`{"kind":` + "\n" + `{"kind":` + "\n" + goodFile, ""},
		"cut off before one good line":    {`{"kind":` + "\n" + goodLine, ""},
		"an array before good lines":      {`["u"]` + "\n" + goodFile, ""},
		"arrays before good lines":        {"[1]\n[2]\n" + goodFile, ""},
		"arrays, blanks, a good line":     {"[1]\r\n\r\n [2]\n\t" + goodLine, ""},
		"bad lines before good ones":      {"[1]\nnull\noh\n" + goodFile, ""},
		"half an array after a whole one": {"[1]\n[2\n" + goodFile, ""},
		"two arrays in a line":            {"[1] [2]\n" + goodFile, ""},
		"a good line far behind":          {"[1]\n" + strings.Repeat("[2]\n", 1000) + goodFile, ""},
		"half an array before good lines": {`["u",` + "\n" + goodFile, ""},
		"a bracket before good lines":     {"[\n" + goodFile, ""},
		"a name twice":                    {`{"kind":"user","kind":"user"}` + "\n" + goodFile, ""},
		"two objects in a line":           {goodLine + goodLine + "\n" + goodFile, ""},
		"a line that is too long":         {`{"kind":"` + strings.Repeat("x", 2<<20) + `"}` + "\n" + goodFile, ""},
		"long without JSON":               {strings.Repeat("x", 2<<20) + "\n" + goodFile, ""},
	} {
		for way, r := range map[string]io.Reader{"at once": strings.NewReader(c.file),
			"by the byte": iotest.OneByteReader(strings.NewReader(c.file))} {
			if way == "by the byte" && len(c.file) > 1<<16 {
				continue
			}
			lines := newLines(r)
			got := ""
			if err := Recognize(lines.r); err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("%s, %s: %q, want %q", name, way, got, c.want)
			}
			if rest, err := io.ReadAll(lines.r); err != nil || string(rest) != c.file {
				t.Errorf("%s, %s: %d bytes are left of %d, %v", name, way, len(rest), len(c.file), err)
			}
		}
	}
}

// What comes slowly is loaded as it comes: a first line that is an object is enough to
// know the form.
func TestFormIsKnownFromTheFirstLine(t *testing.T) {
	r, w := io.Pipe()
	defer r.Close()
	go func() { fmt.Fprintln(w, goodLine) }() // and nothing more
	if err := Recognize(newLines(r).r); err != nil {
		t.Error(err)
	}
}

// FuzzFileForm: whatever a file is, a form is only given to one of which no line could be
// loaded, or which begins with what no line begins with; and looking takes nothing of it.
func FuzzFileForm(f *testing.F) {
	for _, file := range []string{
		goodFile, "[" + goodLine + "]", "[\n" + goodLine + "\n]", indented(f, otherLine, "", " "),
		`{"kind":` + "\n" + goodFile, in16(binary.LittleEndian, goodFile), gzipped(f, goodFile), "[", "{",
		"\uFEFF[\n", "[]\n{}", "[1]\n[2]\n{}\n", "[1]\nx\n {}", "{\n}\n{}\n",
	} {
		f.Add([]byte(file))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		lines := newLines(bytes.NewReader(file))
		var err error
		bounds.Check(t, func() {
			lines = newLines(bytes.NewReader(file))
			err = Recognize(lines.r)
		})
		if rest, _ := io.ReadAll(lines.r); !bytes.Equal(rest, file) {
			t.Errorf("%q: %q is left", file, rest)
		}
		first, _, _ := bytes.Cut(bytes.TrimLeft(bytes.TrimPrefix(file, byteOrderMark), blank), []byte("\n"))
		if json.Valid(first) && first[0] == '{' && err != nil {
			t.Errorf("%q: %v", file, err)
		}
		if json.Valid(first) && first[0] == '[' && err != nil { // a file of one line, or of such lines
			for line := range bytes.SplitSeq(file, []byte("\n")) {
				if line = bytes.Trim(line, blank); json.Valid(line) && line[0] == '{' {
					t.Errorf("%q: %v, and %q can be loaded", file, err, line)
				}
			}
		}
		if err != nil && (len(err.Error()) > 150 || strings.ContainsAny(err.Error(), "\n\r")) {
			t.Errorf("sentence %q", err)
		}
	})
}
