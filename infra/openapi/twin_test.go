package openapi

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"go.yaml.in/yaml/v3"

	"customercare/infra/project"
)

// TestTwin holds docs/openapi-3.0.yaml against what is made of docs/openapi.yaml, and
// both against the rules of OpenAPI. `make docs` (UPDATE=1) writes it anew.
func TestTwin(t *testing.T) {
	root, err := project.Root()
	if err != nil {
		t.Fatal(err)
	}
	document, err := os.ReadFile(filepath.Join(root, "docs", "openapi.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	made, err := Twin(document)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(root, "docs", "openapi-3.0.yaml")
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(name, made, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	stands, err := os.ReadFile(name)
	if err != nil || string(stands) != string(made) {
		t.Errorf("docs/openapi-3.0.yaml is not what `make docs` makes of docs/openapi.yaml: %v", err)
	}
	for version, text := range map[string][]byte{"3.1.0": document, "3.0.1": made} {
		valid(t, version, text)
	}
}

// valid checks a document by the rules of its version.
func valid(t *testing.T, version string, text []byte) {
	t.Helper()
	document, err := libopenapi.NewDocument(text)
	if err != nil || document.GetVersion() != version {
		t.Fatalf("%s: %v", version, err)
	}
	v, errs := validator.NewValidator(document)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	if ok, faults := v.ValidateDocument(); !ok {
		for _, f := range faults {
			t.Errorf("%s: %s: %s %v", version, f.Message, f.Reason, f.SchemaValidationErrors)
		}
	}
}

// What 3.0 cannot say is gone, and nothing else.
func TestTwinOfTypes(t *testing.T) {
	made, err := Twin([]byte("openapi: 3.1.0 # new\ninfo: {license: {name: a, identifier: b}}\n" +
		"one: &x {type: [string, \"null\"], enum: [a, null]}\ntwo: *x\nthree: {type: [string, boolean]}\nfour: {type: object}\n"))
	want := note + "openapi: 3.0.1\ninfo: {license: {name: a}}\n" +
		"one: {type: string, enum: [a, null], nullable: true}\ntwo: {type: string, enum: [a, null], nullable: true}\n" +
		"three: {}\nfour: {type: object}\n"
	if err != nil || string(made) != want {
		t.Errorf("%v\n%s\nwant\n%s", err, made, want)
	}
	if _, err := Twin([]byte("a: [")); err == nil || !strings.Contains(err.Error(), "cannot be read") {
		t.Errorf("what is no YAML: %v", err)
	}
}

// No parameter is called as a schema or an answer is, but for the case of a letter:
// generators make a type of each, and one of Go gives up at the second of a name.
func TestNamesOfComponents(t *testing.T) {
	root, err := project.Root()
	if err != nil {
		t.Fatal(err)
	}
	document, err := os.ReadFile(filepath.Join(root, "docs", "openapi.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var said struct{ Components map[string]map[string]any }
	if err := yaml.Unmarshal(document, &said); err != nil || len(said.Components["parameters"]) == 0 {
		t.Fatal(err, said.Components)
	}
	for parameter := range said.Components["parameters"] {
		for _, kind := range []string{"schemas", "responses"} {
			for name := range said.Components[kind] {
				if strings.EqualFold(parameter, name) {
					t.Errorf("the parameter %s is called as one of the %s", parameter, kind)
				}
			}
		}
	}
}
