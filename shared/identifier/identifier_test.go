package identifier

import (
	"encoding/xml"
	"testing"
	"unicode"
)

// Every character there is: it is sayable if and only if an XML reader gives it back as
// it was.
func TestSayable(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if 0xD800 <= r && r <= 0xDFFF {
			continue // halves of pairs, which UTF-8 does not have
		}
		text := "a" + string(r) + "b"
		// The grammar of section 2.2, in the order in which it stands there.
		want := r == 0x9 || r == 0xA || r == 0xD || 0x20 <= r && r <= 0xD7FF || 0xE000 <= r && r <= 0xFFFD ||
			0x10000 <= r
		if Sayable(text) != want {
			t.Errorf("%U: %v", r, !want)
		}
		if r > 0x3000 && r < 0xFF00 || r > 0x20000 {
			continue // a reader takes some seconds for all of them
		}
		written, err := xml.Marshal(text)
		var read string
		if err == nil {
			err = xml.Unmarshal(written, &read)
		}
		if err != nil || (read == text) != want {
			t.Errorf("%U comes back as %q, %v", r, read, err)
		}
	}
	for _, text := range []string{"\xff", "a\xc3", "\xed\xa0\x80", "\xc0\xaf"} {
		if Sayable(text) {
			t.Errorf("%q is no UTF-8", text)
		}
	}
}

func TestHasControl(t *testing.T) {
	for text, want := range map[string]bool{
		"": false, "a b": false, "\u00a0\u2028\u200e\ufeff": false, "a\tb": true, "\n": true, "\x00": true, "\x1f": true, "\x7f": true, "\u0080": true, "\u009f": true,
	} {
		if HasControl(text) != want {
			t.Errorf("%q: %v", text, !want)
		}
	}
}
