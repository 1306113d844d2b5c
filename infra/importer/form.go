package importer

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"customercare/shared/media"
)

// maxLine is how long a line may be in bytes, its end not counted.
const maxLine = 1 << 20

var errTooLong = errors.New("the line is longer than 1 MB")

// lines reads a file line by line, whatever their ends: LF, CR LF, or the file's own.
type lines struct {
	r      *bufio.Reader
	number int // of the line that next returned, from 1
	taken  int // bytes that it takes in the file
}

func newLines(r io.Reader) *lines { return &lines{r: bufio.NewReaderSize(r, maxLine+2)} }

var byteOrderMark = []byte("\uFEFF")

// next gives the next line without white space around it, valid until the next call. The
// error is errTooLong for a line that was passed over, io.EOF at the end, or the
// reader's.
func (l *lines) next() ([]byte, error) {
	line, err := l.r.ReadSlice('\n')
	l.taken = len(line)
	tooLong := errors.Is(err, bufio.ErrBufferFull)
	for errors.Is(err, bufio.ErrBufferFull) {
		var more []byte
		more, err = l.r.ReadSlice('\n')
		l.taken += len(more)
	}
	if err != nil && (err != io.EOF || l.taken == 0) {
		return nil, err
	}
	l.number++
	if l.number == 1 {
		line = bytes.TrimPrefix(line, byteOrderMark)
	}
	line = bytes.TrimRight(line, "\r\n")
	if tooLong || len(line) > maxLine {
		return nil, errTooLong
	}
	return bytes.Trim(line, " \t\r"), nil
}

// Misformed is a file that is no lines of JSON as a whole, or ends before the first line
// that is to be loaded, so that none of it was loaded. Its text names what the file is
// instead, and what to do.
type Misformed string

func (m Misformed) Error() string { return string(m) }

// magics are the first bytes of files that people take for lines of JSON, or have packed
// them in.
var magics = []struct {
	start string
	form  Misformed
}{
	{"\x1f\x8b", packed("gzip")},
	{"PK\x03\x04", packed("zip")},
	{"PK\x05\x06", packed("zip")},
	{"PK\x07\x08", packed("zip")},
	{"\x28\xb5\x2f\xfd", packed("zstd")},
	{"BZh", packed("bzip2")},
	{"\xfd7zXZ\x00", packed("xz")},
	{"\x04\x22\x4d\x18", packed("lz4")},
	{"LZIP", packed("lzip")},
	{"\x1f\x9d", packed("compress")},
	{"7z\xbc\xaf\x27\x1c", packed("7z")},
	{"\xff\x06\x00\x00sNaPpY", packed("snappy")},
	{"PAR1", "the file is a Parquet file: write its rows as one JSON object a line"},
	{"Obj\x01", "the file is an Avro file: write its records as one JSON object a line"},
	{"\x1e", "the file is a JSON text sequence: write one JSON object a line, without the record separators"},
}

// tarMagic is where a tar archive says that it is one, in the header of its first file.
const tarMagic = 257

// longestMagic is how many bytes of a file tell its magic, or an encoding without a mark.
const longestMagic = 10

// packed is a file in this packing.
func packed(by string) Misformed {
	return Misformed("the file is packed with " + by + ": unpack it, and load what was in it")
}

const (
	isArray = Misformed("the file is a JSON array: write one JSON object a line, as jq -c '.[]' does")
	isTall  = Misformed("the file has JSON that goes over several lines: write one JSON object a line, as jq -c . does")
)

// Recognize looks at the start of a file, without taking it, and gives Misformed when the
// whole of it cannot be lines of JSON. It waits for no more than it needs of a file that
// comes slowly: one line when that is a whole object. A file with some bad lines is none
// of its business.
func Recognize(r *bufio.Reader) error {
	start, _ := r.Peek(longestMagic) // an error comes again when the first line is read
	for _, magic := range magics {
		if bytes.HasPrefix(start, []byte(magic.start)) {
			return magic.form
		}
	}
	if encoding, order := media.Wide(start); encoding != "" {
		return Misformed("the file is " + encoding + " (" + order + "): convert it to UTF-8")
	}
	head, whole := firstLine(r)
	if len(head) > tarMagic && bytes.HasPrefix(head[tarMagic:], []byte("ustar")) {
		return packed("tar")
	}
	text := content(head)
	if len(text) == 0 || text[0] != '[' && (text[0] != '{' || isObject(text)) {
		return nil
	}
	if !whole {
		var err error
		head, err = r.Peek(r.Size())
		whole = err != nil
	}
	if form := formOf(content(head), whole); form != "" {
		return form
	}
	return nil
}

const blank = " \t\r\n"

// firstLine is what the reader has once that holds a line that is not blank, or is all
// that it can hold; whole says that it is the file.
func firstLine(r *bufio.Reader) (head []byte, whole bool) {
	for n := 1; ; n = r.Buffered() + 1 { // at first what is there already, then one read more
		_, err := r.Peek(n)
		head, _ := r.Peek(r.Buffered())
		switch line, _, ended := bytes.Cut(content(head), []byte("\n")); {
		case err != nil:
			return head, true
		case ended && len(line) > 0 || len(head) == r.Size():
			return head, false
		}
	}
}

// content is a file from its first character on.
func content(file []byte) []byte {
	return bytes.TrimLeft(bytes.TrimPrefix(file, byteOrderMark), blank)
}

// isObject says whether the first line of text is one JSON value by itself, whatever is
// wrong in it.
func isObject(text []byte) bool {
	line, _, _ := bytes.Cut(text, []byte("\n"))
	d := lenient(line)
	_, err := d.ReadValue()
	if err == nil {
		_, err = d.ReadToken()
	}
	return errors.Is(err, io.EOF)
}

// beginsObject says whether one of the lines of text begins an object.
func beginsObject(text []byte) bool {
	for line := range bytes.SplitSeq(text, []byte("\n")) {
		if bytes.HasPrefix(bytes.TrimLeft(line, blank), []byte("{")) {
			return true
		}
	}
	return false
}

// lenient reads all that has JSON's form.
func lenient(text []byte) *jsontext.Decoder {
	return jsontext.NewDecoder(bytes.NewBuffer(slices.Clip(text)), jsontext.AllowDuplicateNames(true),
		jsontext.AllowInvalidUTF8(true))
}

// formOf says what kind of file it is when line 1 is no JSON object. text is its
// beginning; whole: nothing follows. "" means lines, the first one bad.
func formOf(text []byte, whole bool) Misformed {
	form := isTall
	if text[0] == '[' {
		form = isArray
	}
	d := lenient(text)
	_, err := d.ReadValue()
	read := text[:min(int(d.InputOffset()), len(text))]
	if syntax, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		read = text[:min(int(syntax.ByteOffset), len(text))]
	}
	cutOff := errors.Is(err, io.ErrUnexpectedEOF)
	if cutOff {
		read = text
	}
	tall := bytes.Contains(read, []byte("\n"))
	switch {
	case err == nil && form == isArray:
		// An array in one line may be a bad line before good ones, and not the last bad
		// one.
		if !tall && beginsObject(text[len(read):]) {
			return ""
		}
		return form
	case err == nil && tall, cutOff && !whole && (tall || form == isArray):
		return form
	case err == nil || !tall:
		return ""
	}
	// A broken document, or a broken line before good ones: then one of the lines that
	// were read, or the one at which the reader stopped, is an object by itself.
	lines := bytes.Count(read, []byte("\n"))
	for _, line := range bytes.SplitN(text, []byte("\n"), lines+2)[1 : lines+1] {
		if line = bytes.Trim(line, blank); len(line) > 0 && line[0] == '{' && isObject(line) {
			return ""
		}
	}
	return form
}
