package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"
)

const multipartBody = "--b\r\nContent-Disposition: form-data; name=\"user_id\"\r\n\r\njohn\r\n" +
	"--b\r\nContent-Disposition: form-data; name=\"code\"\r\n\r\n47\r\n" +
	"--b\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"p\"\r\n\r\n\x00\r\n--b--"

func request(contentType, body string) *http.Request {
	r := httptest.NewRequest("POST", "/", strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	return r
}

// A body that was cut off anywhere is no form: what was in the lost rest, nobody knows.
func TestCutOffMultipart(t *testing.T) {
	for n := range len(multipartBody) {
		if f, refusal := readForm(request("multipart/form-data; boundary=b", multipartBody[:n])); refusal == nil {
			t.Errorf("cut off behind %q: %v", multipartBody[:n], f)
		}
	}
	if f, refusal := readForm(request("multipart/form-data; boundary=b", multipartBody)); refusal != nil || f["user_id"] != "john" || f["code"] != "47" {
		t.Errorf("%v, %v", f, refusal)
	}
}

// Whatever the body, reading it gives a form of known fields in valid text, the same when read again, or a refusal.
func FuzzReadForm(f *testing.F) {
	f.Add("application/x-www-form-urlencoded", "user_id=john&code=%34%37&output=JSON&x=;&callback=cb")
	f.Add("multipart/form-data; boundary=b", multipartBody)
	f.Add("multipart/form-data; boundary=\"b\"", "--b\r\n\r\n--b--")
	f.Add("", "code=a&code=b&code=%00")
	f.Add("multipart/form-data", "--\r\n----")
	f.Fuzz(func(t *testing.T, contentType, body string) {
		r := request(contentType, body)
		format, wrong := format(r)
		if wrong == nil && format.Callback != "" && !callbackName.MatchString(format.Callback) {
			t.Errorf("callback %q", format.Callback)
		}
		form, refusal := readForm(r)
		if refusal != nil && wrong == nil {
			t.Errorf("read again: %v", refusal)
		}
		for name, value := range form {
			if !utf8.ValidString(value) || strings.Contains(value, "\x00") {
				t.Errorf("%s is %q", name, value)
			}
		}
	})
}
