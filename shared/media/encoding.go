package media

import (
	"bytes"
	"strings"
)

// Text is body without the one UTF-8 byte-order mark that it may begin with. wide names
// the encoding when it is plainly UTF-16 or UTF-32 instead, with a mark or without (by
// the zeros in it: XML 1.0 appendix F, RFC 4627 section 3); else it is "".
func Text(body []byte) (text []byte, wide string) {
	zeros := 0 // a bit for each of the first four bytes
	if len(body) >= 4 {
		for _, b := range body[:4] {
			zeros <<= 1
			if b == 0 {
				zeros++
			}
		}
	}
	starts := func(mark string) bool { return bytes.HasPrefix(body, []byte(mark)) }
	switch {
	case zeros == 0b0111, zeros == 0b1110, starts("\xff\xfe\x00\x00"), starts("\x00\x00\xfe\xff"):
		return body, "UTF-32"
	case zeros == 0b0101, zeros == 0b1010, starts("\xff\xfe"), starts("\xfe\xff"):
		return body, "UTF-16"
	}
	return bytes.TrimPrefix(body, []byte("\uFEFF")), ""
}

// nameChars are the characters of the charsets' names that IANA knows.
const nameChars = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:+()"

// Foreign is the name, fit to stand in a sentence, of the charset that text was declared
// in, when text must not be read as UTF-8 therefore: it is another one, and not every
// byte is an ASCII character. Else it is "". An empty charset declares nothing.
func Foreign[Bytes string | []byte](charset string, text Bytes) string {
	switch {
	case charset == "", strings.EqualFold(charset, "utf-8"), strings.EqualFold(charset, "utf8"), IsASCII(text):
		return ""
	case len(charset) > 40, strings.Trim(charset, nameChars) != "":
		return "an unknown charset"
	}
	return charset
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
