package main

import (
	"net/http"
	"strings"
	"testing"

	"customercare/shared/respond"
)

const multipartBody = "--b\r\nContent-Disposition: form-data; name=\"user_id\"\r\n\r\njohn\r\n" +
	"--b\r\nContent-Disposition: form-data; name=\"code\"\r\n\r\n47\r\n" +
	"--b\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"p\"\r\n\r\n\x00\r\n--b--"

// readUnder reads the body as a form under the Content-Type.
func readUnder(contentType, body string) (map[string]string, error) {
	return readForm(http.Header{"Content-Type": {contentType}}, []byte(body))
}

// A body that was cut off anywhere is no form: what was in the lost rest, nobody knows.
func TestCutOffMultipart(t *testing.T) {
	for n := range len(multipartBody) {
		if f, refusal := readUnder("multipart/form-data; boundary=b", multipartBody[:n]); refusal == nil {
			t.Errorf("cut off behind %q: %v", multipartBody[:n], f)
		}
	}
	if f, refusal := readUnder("multipart/form-data; boundary=b", multipartBody); refusal != nil ||
		f["user_id"] != "john" ||
		f["code"] != "47" {
		t.Errorf("%v, %v", f, refusal)
	}
}

// parts is a multipart form: each argument the lines of a part's header behind its name,
// and its value.
func parts(all ...[3]string) string {
	var b strings.Builder
	for _, part := range all {
		b.WriteString("--b\r\nContent-Disposition: form-data; name=\"" + part[0] + "\"\r\n")
		if part[1] != "" {
			b.WriteString("Content-Type: " + part[1] + "\r\n")
		}
		b.WriteString("\r\n" + part[2] + "\r\n")
	}
	return b.String() + "--b--\r\n"
}

func TestCharsets(t *testing.T) {
	const (
		urlencoded = "application/x-www-form-urlencoded"
		form       = "multipart/form-data; boundary=b"
	)
	foreign := func(charset string) string {
		return "code is declared to be in " + charset + ", where it is not all ASCII it must be in UTF-8"
	}
	unclear := foreign("an unknown charset")
	for _, test := range []struct{ contentType, body, code, refusal string }{
		{urlencoded + "; charset=iso-8859-1", "code=47", "47", ""},
		{urlencoded + "; charset=nobody", "code=47", "47", ""},
		{urlencoded + "; charset=utf8", "code=%C3%A9", "é", ""},
		{urlencoded + "; charset=iso-8859-1", "code=%E9", "", foreign("iso-8859-1")},
		{urlencoded + "; charset=iso-8859-1", "code=\xe9", "", foreign("iso-8859-1")},
		{urlencoded + "; charset=iso-8859-1", "code=%C3%A9", "", foreign("iso-8859-1")}, // two letters there, and who knows whether meant
		{urlencoded + "; charset=utf-16", "code=4%007%00", "", foreign("utf-16")},
		{urlencoded + "; charset=koi8-r", "code=47&name=%E9", "47", ""},
		{urlencoded, "code=%E9", "", "code is not valid text"},
		{urlencoded, "\uFEFFcode=47", "47", ""},
		{urlencoded, "\uFEFF\uFEFFcode=47", "", ""}, // a field that nobody knows
		{urlencoded, "code=\uFEFF47", "\uFEFF47", ""},
		{urlencoded, "\xff\xfec\x00o\x00", "", "The form in the request body is in UTF-16, it must be in UTF-8"},
		{urlencoded + ";;charset=; a", "code=47", "47", ""},

		{form, parts([3]string{"code", "text/plain; charset=UTF-8", "é"}), "é", ""},
		{form, parts([3]string{"code", "text/plain; charset=ISO-8859-1", "\xe9\xff"}), "éÿ", ""},
		{form, parts([3]string{"code", "text/plain;charset=\"latin1\"", "\xe9"}), "é", ""},
		{form, parts([3]string{"code", "text/plain; charset=ISO-8859-1", "\xc3\xa9"}), "Ã©", ""},
		{form, parts([3]string{"code", "text/plain; charset=US-ASCII", "47"}), "47", ""},
		{form, parts([3]string{"code", "text/plain; charset=US-ASCII", "é"}), "", foreign("US-ASCII")},
		{form, parts([3]string{"code", "text/plain; charset=windows-1252", "47"}), "47", ""},
		{form, parts([3]string{"code", "text/plain; charset=windows-1252", "\xe9"}), "", foreign("windows-1252")},
		{form, parts([3]string{"code", "text/plain; charset=utf-16", "4\x007\x00"}), "", foreign("utf-16")},
		{form, parts([3]string{"code", "text/plain; charset=UTF-8", "\xe9"}), "", "code is not valid text"},
		{form, parts([3]string{"code", "text/plain", "\xe9"}), "", "code is not valid text"},
		{form, parts([3]string{"code", "text/plain;; charset=", "é"}), "é", ""},
		{form, parts([3]string{"code", "text/plain; charset=UTF-8", "é"}, [3]string{"code", "text/plain; charset=ISO-8859-1", "\xe9"}), "é", ""},
		{form, parts([3]string{"code", "text/plain; charset=UTF-8", "é"}, [3]string{"code", "text/plain; charset=ISO-8859-1", "\xe8"}), "", "code is given twice with different values"},
		{form, parts([3]string{"code", "", "47"}, [3]string{"name", "text/plain; charset=koi8-r", "\xe9"}), "47", ""},
		{form + "; charset=koi8-r", parts([3]string{"code", "", "47"}), "47", ""},
		{form + "; charset=koi8-r", parts([3]string{"code", "", "é"}), "", foreign("koi8-r")},
		{form + "; charset=koi8-r", parts([3]string{"code", "text/plain; charset=UTF-8", "é"}), "é", ""},
		{form, "\uFEFF" + parts([3]string{"code", "", "47"}), "47", ""},
		{form, "before\r\n" + parts([3]string{"code", "", "47"}) + "after", "47", ""},
		{form, "\xff\xfe-\x00-\x00b\x00", "", "The form in the request body is in UTF-16, it must be in UTF-8"},
		{"multipart/form-data", parts([3]string{"code", "", "47"}), "", "The form in the request body cannot be read"},
		{form, strings.Repeat("--b\r\n\r\n\r\n", 999) + parts([3]string{"code", "", "47"}), "47", ""},
		{form, strings.Repeat("--b\r\n\r\n\r\n", 1000) + parts([3]string{"code", "", "47"}), "", "The form in the request body cannot be read"},

		// Which charset is meant, nobody knows: the bytes of é in UTF-8 are two letters
		// in others.
		{urlencoded + "; charset=ISO-8859-1; charset=latin1", "code=caf%C3%A9", "", unclear},
		{urlencoded + "; charset=utf-8; charset=latin1", "code=caf%C3%A9", "", unclear},
		{urlencoded + "; charset=ISO 8859-1", "code=caf%C3%A9", "", unclear},
		{urlencoded + "; charset=ISO 8859-1", "code=47", "47", ""},
		{urlencoded + "; charset:latin1", "code=caf%C3%A9", "", unclear},
		{urlencoded + "; charset*=koi8-r''latin1", "code=caf%C3%A9", "", unclear},
		{urlencoded + "; charset=UTF-8; charset=utf8", "code=caf%C3%A9", "café", ""},
		{form, parts([3]string{"code", "text/plain; charset=ISO-8859-1\r\nContent-Type: text/plain; charset=ISO-8859-1", "caf\xc3\xa9"}), "", unclear},
		{form, parts([3]string{"code", "text/plain\r\nContent-Type: text/plain; charset=ISO-8859-1", "caf\xc3\xa9"}), "", unclear},
		{form, parts([3]string{"code", "text/plain\r\nContent-Type: text/plain", "caf\xc3\xa9"}), "", unclear},
		{form, parts([3]string{"code", "text/plain\r\nContent-Type: text/plain; charset=ISO-8859-1", "47"}), "47", ""},
		{form, parts([3]string{"code", "text/plain; charset=ISO-8859-1; charset=latin1", "caf\xc3\xa9"}), "", unclear},
		{form, parts([3]string{"code", "text/plain; charset=ISO 8859-1", "caf\xc3\xa9"}), "", unclear},
		{form, parts([3]string{"code", "text/plain charset=ISO-8859-1", "caf\xc3\xa9"}), "", unclear},
		{form, parts([3]string{"code", "text/plain, text/plain; charset=ISO-8859-1", "caf\xc3\xa9"}), "", unclear},
		{form, parts([3]string{"code", "text/", "caf\xc3\xa9"}), "", unclear},
		{form + "; charset=latin1; charset=koi8-r", parts([3]string{"code", "", "caf\xc3\xa9"}), "", unclear},
		{form + "; charset=latin1; charset=koi8-r", parts([3]string{"code", "text/plain; charset=utf-8", "caf\xc3\xa9"}), "café", ""},
		{form + "; charset=latin1; charset=koi8-r", parts([3]string{"code", "text/plain; charset=", "caf\xc3\xa9"}), "", unclear},
		{form + "; boundary=c", parts([3]string{"code", "", "47"}), "", "The form in the request body cannot be read"},

		// A form names its charset in a field.
		{urlencoded, "_charset_=ISO-8859-1&code=caf%C3%A9", "", foreign("ISO-8859-1")},
		{urlencoded, "code=caf%C3%A9&_CHARSET_=ISO-8859-1", "", foreign("ISO-8859-1")},
		{urlencoded, "_charset_=ISO-8859-1&code=47", "47", ""},
		{urlencoded, "_charset_=UTF-8&code=caf%C3%A9&_charset_=", "café", ""},
		{urlencoded, "_charset_=UTF-8&code=caf%C3%A9&_charset_=koi8-r", "", foreign("koi8-r")},
		{urlencoded, "_charset_=latin1&code=caf%C3%A9&_charset_=koi8-r", "", unclear},
		{urlencoded, "_charset_=ISO+8859-1&code=caf%C3%A9", "", unclear},
		{urlencoded + "; charset=latin1", "_charset_=UTF-8&code=caf%C3%A9", "", foreign("latin1")},
		{urlencoded + "; charset=UTF-8", "_charset_=latin1&code=caf%C3%A9", "", foreign("latin1")},
		{form, parts([3]string{"_charset_", "", "ISO-8859-1"}, [3]string{"code", "", "caf\xc3\xa9"}), "", foreign("ISO-8859-1")},
		{form, parts([3]string{"code", "", "caf\xc3\xa9"}, [3]string{"_charset_", "text/plain; charset=us-ascii", "ISO-8859-1"}), "", foreign("ISO-8859-1")},
		{form, parts([3]string{"_charset_", "", "ISO-8859-1"}, [3]string{"code", "text/plain", "caf\xe9"}), "", foreign("ISO-8859-1")},
		{form, parts([3]string{"_charset_", "", "ISO-8859-1"}, [3]string{"code", "text/plain; charset=UTF-8", "caf\xc3\xa9"}), "café", ""},
		{form, parts([3]string{"_charset_", "", "utf8"}, [3]string{"code", "", "caf\xc3\xa9"}), "café", ""},
		{form, parts([3]string{"_charset_", "", "x"}, [3]string{"code", "", "47"}), "47", ""},
	} {
		f, err := readUnder(test.contentType, test.body)
		sentence := ""
		if err != nil {
			sentence = respond.AsError(err).Sentence
		}
		if f["code"] != test.code || sentence != test.refusal {
			t.Errorf("%.80q under %s: got %q, %q", test.body, test.contentType, f["code"], sentence)
		}
	}
}

// An empty Content-Type is none, and with none the body counts as urlencoded.
func TestContentType(t *testing.T) {
	for _, test := range []struct {
		values []string
		ok     bool
	}{
		{nil, true}, {[]string{""}, true}, {[]string{" ", "\t"}, true}, {[]string{"", "application/x-www-form-urlencoded"}, true},
		{[]string{"Application/X-WWW-Form-Urlencoded; a"}, true},
		{[]string{"application/x-www-form-urlencoded", "application/x-www-form-urlencoded"}, false},
		{[]string{"text/plain"}, false}, {[]string{";"}, false},
	} {
		f, refusal := readForm(http.Header{"Content-Type": test.values}, []byte("code=47"))
		if (refusal == nil) != test.ok || test.ok && f["code"] != "47" {
			t.Errorf("%q: %v, %v", test.values, f, refusal)
		}
	}
}
