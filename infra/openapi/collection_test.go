package openapi

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"customercare/infra/project"
)

// TestCollection holds docs/postman.json against what is made of docs/openapi.yaml.
// `make docs` (UPDATE=1) writes it anew. infra/test/clients sends what is in it.
func TestCollection(t *testing.T) {
	root, err := project.Root()
	if err != nil {
		t.Fatal(err)
	}
	document, err := os.ReadFile(filepath.Join(root, "docs", "openapi.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	made, err := Collection(document)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(root, "docs", "postman.json")
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(name, made, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	stands, err := os.ReadFile(name)
	if err != nil || string(stands) != string(made) {
		t.Errorf("docs/postman.json is not what `make docs` makes of docs/openapi.yaml: %v", err)
	}
}

// A body without an example is an error: a request of it could not be made.
func TestCollectionWithoutExample(t *testing.T) {
	document := "openapi: 3.1.0\ntags: [{name: a}]\npaths: {/a: {post: {operationId: b, tags: [a], requestBody: {content: {application/json: {}}}}}}\n"
	if _, err := Collection([]byte(document)); err == nil || err.Error() != "b: the body in application/json has no example" {
		t.Errorf("%v", err)
	}
	if _, err := Collection([]byte("a: [")); err == nil || !strings.Contains(err.Error(), "cannot be read") {
		t.Errorf("what is no YAML: %v", err)
	}
}
