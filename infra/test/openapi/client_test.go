package openapi

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"customercare/infra/npm"
	"customercare/infra/testkit/dynamotest"
)

// builder makes a client in JavaScript of a document, while it runs (Apache-2.0).
var builder = npm.Package{
	Name: "swagger-client", Version: "3.39.0",
	Integrity: "EDpBphskzOCzczUrucX3/FVb7k5gch1GSzB+MTBcdGY3Zew2XKs0ryPPw1J2l1hioojwwKUZXtEg31axbnQvpQ==",
	Folder:    "package/", Wanted: "dist/swagger-client.browser.min.js",
}

// TestClientOfTheDocumentAlone has a client that knows the document and nothing else, in
// another language, erase a customer by operation 3, follow the link to the end of the
// erasure and read the receipt, which is genuine. It does so with both documents.
func TestClientOfTheDocumentAlone(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("there is no Node here (node), so no client is made of the document")
	}
	w := start(t)
	root := dynamotest.Root()
	built, err := builder.Fetch(t.Context(), filepath.Join(root, ".cache"))
	if err != nil {
		t.Skipf("no client is made of the document: %v", err)
	}
	for document, code := range map[string]string{"openapi.yaml": "2234567890123456", "openapi-3.0.yaml": "3234567890123456"} {
		t.Run(document, func(t *testing.T) {
			dir := t.TempDir()
			inJSON(t, filepath.Join(root, "docs", document), filepath.Join(dir, "document.json"))
			credentials, err := json.Marshal(map[string]any{
				"user": userName, "key": userKey, "form": map[string]string{"account_id": "greatwidgets", "code": code},
			})
			if err != nil {
				t.Fatal(err)
			}
			run := func(args ...string) string {
				t.Helper()
				said, err := exec.CommandContext(t.Context(), node, args...).CombinedOutput()
				if err != nil {
					t.Fatalf("%v\n%s", err, said)
				}
				return string(said)
			}
			run("testdata/erase.cjs", filepath.Join(built, builder.Wanted), filepath.Join(dir, "document.json"),
				w.Base, string(credentials), dir)
			verdict := run(filepath.Join(root, "docs", "verify.mjs"), filepath.Join(dir, "receipt"), filepath.Join(dir, "key"))
			if !strings.HasPrefix(verdict, "genuine: ") || !strings.Contains(verdict, "greatwidgets") {
				t.Errorf("the receipt: %s", verdict)
			}
		})
	}
}

// inJSON writes a document in YAML as one in JSON.
func inJSON(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	var document map[string]any
	if err := yaml.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	if text, err = json.Marshal(document); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, text, 0o600); err != nil {
		t.Fatal(err)
	}
}
