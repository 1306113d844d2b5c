package main

import (
	"bytes"
	"strings"
	"testing"
)

// Bodies of the largest size, each the dearest of its kind that we could think of.
func TestLargestForms(t *testing.T) {
	const limit = 256 << 10
	door := door(t, true)
	fill := func(before, unit, after string) []byte {
		return []byte(before + strings.Repeat(unit, (limit-len(before)-len(after))/len(unit)) + after)
	}
	const part = "--b\r\nContent-Disposition: form-data; name="
	different := new(bytes.Buffer)
	for i := 0; different.Len() < limit-20; i++ {
		letter := func(n int) string { return string(rune('a' + n)) }
		different.WriteString("&" + letter(i%26) + letter(i/26%26) + letter(i/676%26) + letter(i/17576))
	}
	for name, c := range map[string]struct {
		contentType string
		body        []byte
	}{
		"semicolons":      {urlencoded, fill(goodForm+"&x=", ";", "")},
		"ampersands":      {urlencoded, fill(goodForm, "&", "")},
		"same names":      {urlencoded, fill(goodForm, "&a", "")},
		"codes":           {urlencoded, fill(goodForm, "&code=47", "")},
		"different names": {urlencoded, append([]byte(goodForm), different.Bytes()[:limit-len(goodForm)-8]...)},
		"charsets":        {urlencoded, fill(goodForm, "&_charset_=utf-8&a=%E9", "")},
		"escapes":         {urlencoded, fill(goodForm+"&callback=", "%61", "")},
		"code":            {urlencoded, fill(goodForm, "a", "")},
		"parts":           {"multipart/form-data; boundary=b", fill("", "--b\r\n\r\n\r\n", "--b--")},
		"named parts":     {"multipart/form-data; boundary=b", fill("", part+"a\r\n\r\n\r\n", "--b--")},
		"files":           {"multipart/form-data; boundary=b", fill("", part+"a; filename=a\r\n\r\n\r\n", "--b--")},
		"headers":         {"multipart/form-data; boundary=b", fill("--b\r\n", "A:\r\n", "\r\n\r\n--b--")},
		"one header":      {"multipart/form-data; boundary=b", fill("--b\r\nContent-Disposition: form-data; name=\"", "\\\"", "\"\r\n\r\n\r\n--b--")},
		"parameters":      {"multipart/form-data; boundary=b", fill("--b\r\nContent-Disposition: form-data", `; name*0="a"`, "\r\n\r\n\r\n--b--")},
		"dashes":          {"multipart/form-data; boundary=-", fill("", "-", "----")},
		"near boundaries": {"multipart/form-data; boundary=b", fill(part+"code\r\n\r\n", "\r\n--a", "\r\n--b--")},
		"quoted":          {"multipart/form-data; boundary=b", fill(part+"code\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n", "=\r\n", "\r\n--b--")},
		"Content-Type":    {"multipart/form-data" + strings.Repeat("; a=b", 1600), []byte(goodMultipart)},
		"unclear type":    {"multipart/form-data" + strings.Repeat("; a*=\"b", 1100) + "; boundary=b", []byte(goodMultipart)},
	} {
		t.Run(name, func(t *testing.T) { send(t, door, c.contentType, c.body) })
	}
}
