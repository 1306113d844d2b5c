package e2e

import (
	"bytes"
	"compress/gzip"
	"strings"
	"testing"
)

// codings are values of Content-Encoding that say something; harmless those that say
// nothing.
var (
	codings = []string{"gzip", "GZip", "br", "deflate", "x-gzip", "aws-chunked", "utf-8", "gzip, gzip",
		"identity, gzip", "gzip,identity", ", gzip", "identity;q=1", "identity gzip", "*"}
	harmless = []string{"identity", "Identity", "", " ", ",", "identity, IDENTITY", " , identity ,"}
)

// squeezed is a text in gzip.
func squeezed(t testing.TB, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// A body in a coding is refused by the coding's name, whether it is in that coding or
// not, and nothing of it is read; one in no coding is taken, however that is said.
func TestContentEncoding(t *testing.T) {
	csr, bearer := operator(t, "csr-encoding"), app(t, "app-encoding", "tenant-encoding")
	loadUsers(t, "u-encoding")
	openAccount(t, "encoding", 1, "encoding-code")
	loadContacts(t, "tenant-encoding", contact{"c", "encoding-a", "encoding-b", "kept"})
	path := at(bases[0], "u-encoding")
	const allow, xmlAllow, numbers = `{"tempAllowType":1}`, "<TempAllowRequest><tempAllowType>1</tempAllowType></TempAllowRequest>", `{"customNos":["encoding-nobody"]}`
	form := formOf("encoding", "encoding-code", "output", "JSON")
	const name = "Content-Encoding"

	t.Run("refused", func(t *testing.T) {
		unchanged(t)
		for _, coding := range codings {
			header := name + ": " + coding
			send(t, "PUT", path, allow, csr, bodyJSON, header).refused(t, 415, "json", name)
			send(t, "PUT", path, squeezed(t, xmlAllow), csr, bodyXML, header).refused(t, 415, "xml", name)
			send(t, "PUT", path, squeezed(t, allow), csr, bodyJSON, acceptXML, header).refused(t, 415, "xml", name)
			send(t, "DELETE", path+"?reset=true", "", csr, header).refused(t, 415, "json", name)
			send(t, "DELETE", path+"?reset=true", squeezed(t, "x"), csr, acceptXML, header).refused(t, 415, "xml", name)
			for _, r := range []reply{
				send(t, "POST", "/", form, urlencoded, header),
				send(t, "POST", "/api.php", squeezed(t, form), urlencoded, header),
				send(t, "POST", "/", partsOf(fieldsOf("encoding", "encoding-code")), multipart, header),
				send(t, "POST", "/", "", header),
			} {
				r.is(t, 200, sorryXML("Content-Encoding must be identity, the body must not be compressed"))
			}
			send(t, "POST", cleanPath, numbers, bearer, header).failed(t, 400, name)
			send(t, "POST", cleanPath, squeezed(t, numbers), bearer, header).failed(t, 400, name)
			send(t, "POST", tokenPath, credentials("app-encoding"), header).failed(t, 400, name)
			send(t, "POST", tokenPath, squeezed(t, credentials("app-encoding")), header).failed(t, 400, name)
		}
		send(t, "PUT", path, allow, csr, bodyJSON, name+": identity", "content-encoding: gzip").refused(t, 415,
			"json", name)
		// Before the size: what comes out of it is another one.
		send(t, "POST", cleanPath, strings.Repeat(" ", 1<<20), bearer, name+": gzip").failed(t, 400, name)
		if r := send(t, "PUT", path, allow, csr, bodyJSON,
			name+": gzip"); r.Header.Get("Accept-Encoding") != "identity" {
			t.Errorf("Accept-Encoding is %q", r.Header.Get("Accept-Encoding"))
		}
		// Who is not let in is told just that.
		send(t, "PUT", path, allow, bodyJSON, name+": gzip").is(t, 401, send(t, "PUT", path, allow, bodyJSON).Body)
	})
	for _, coding := range harmless {
		header := name + ": " + coding
		send(t, "PUT", path, allow, csr, bodyJSON, header).done(t, "json")
		send(t, "PUT", path, xmlAllow, csr, bodyXML, header).done(t, "xml")
		send(t, "DELETE", path+"?reset=true", "", csr, header).done(t, "json")
		send(t, "POST", cleanPath, numbers, bearer, header).verified(t)
		if r := send(t, "POST", tokenPath, credentials("app-encoding"), header); r.Status != 200 {
			t.Errorf("%q: %d %s", coding, r.Status, r.Body)
		}
		if r := send(t, "POST", "/", form, urlencoded, header); !strings.Contains(r.Body, `"deleted"`) {
			t.Errorf("%q: %d %s", coding, r.Status, r.Body)
		}
	}
}
