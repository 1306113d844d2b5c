package media

import (
	"bytes"
	"slices"
	"strings"
)

// Text is body without the one UTF-8 byte-order mark that it may begin with. wide names
// the encoding when it is plainly UTF-16 or UTF-32 instead; else it is "".
func Text(body []byte) (text []byte, wide string) {
	if wide, _ = Wide(body); wide != "" {
		return body, wide
	}
	return bytes.TrimPrefix(body, []byte("\uFEFF")), ""
}

// Wide names the encoding of a text in UTF-16 or UTF-32 and the order of its bytes, by
// the byte-order mark at its start or, without one, by the zeros in its first four bytes
// (XML 1.0 appendix F, RFC 4627 section 3). Both are "" for any other text.
func Wide(start []byte) (encoding, order string) {
	const big, little = "big-endian", "little-endian"
	zeros := 0 // a bit for each of the first four bytes
	if len(start) >= 4 {
		for _, b := range start[:4] {
			zeros <<= 1
			if b == 0 {
				zeros++
			}
		}
	}
	marked := func(mark string) bool { return bytes.HasPrefix(start, []byte(mark)) }
	switch { // UTF-32 first: its mark may begin as that of UTF-16
	case zeros == 0b1110, marked("\x00\x00\xfe\xff"):
		return "UTF-32", big
	case zeros == 0b0111, marked("\xff\xfe\x00\x00"):
		return "UTF-32", little
	case zeros == 0b1010, marked("\xfe\xff"):
		return "UTF-16", big
	case zeros == 0b0101, marked("\xff\xfe"):
		return "UTF-16", little
	}
	return "", ""
}

// Unknown stands for a charset that was declared so that nobody can tell which it is. It
// is no charset's name.
const Unknown = "?"

// nameChars are the characters of the charsets' names that IANA knows.
const nameChars = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:+()"

// Foreign is the charset that text was declared in, fit to stand in a sentence, when text
// must not be read as UTF-8 because of it: the charset is another one, and not every byte
// is an ASCII character. Otherwise it is "". An empty charset declares nothing.
func Foreign[Bytes string | []byte](charset string, text Bytes) string {
	switch {
	case charset == "", isUTF8(charset), IsASCII(text):
		return ""
	case len(charset) > 40, strings.Trim(charset, nameChars) != "":
		return "an unknown charset"
	}
	return charset
}

func isUTF8(charset string) bool {
	return strings.EqualFold(charset, "utf-8") || strings.EqualFold(charset, "utf8")
}

// latin1 is ISO-8859-1 under the names that IANA knows, in lower case.
var latin1 = []string{
	"iso-8859-1", "iso_8859-1", "iso8859-1", "latin1", "l1",
	"iso_8859-1:1987", "iso-ir-100", "ibm819", "cp819", "csisolatin1",
}

// IsLatin1 says whether a charset is ISO-8859-1.
func IsLatin1(charset string) bool { return slices.Contains(latin1, strings.ToLower(charset)) }

// FromLatin1 is a text in ISO-8859-1, whose bytes are the first 256 characters of
// Unicode, in UTF-8.
func FromLatin1(text []byte) string {
	read := make([]rune, len(text))
	for i, b := range text {
		read[i] = rune(b)
	}
	return string(read)
}

// IsASCII says whether every byte of text is an ASCII character. NUL counts as none: in
// UTF-16 it is half of one.
func IsASCII[Bytes string | []byte](text Bytes) bool {
	for i := range len(text) {
		if text[i] == 0 || text[i] >= 0x80 {
			return false
		}
	}
	return true
}
