package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
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
