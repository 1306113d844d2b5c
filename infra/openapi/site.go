package openapi

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"net/url"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v3"

	"customercare/infra/npm"
)

// renderer is Swagger UI (Apache-2.0), which shows a document and makes its calls. It is
// one script without dependencies, and asks nobody for anything while it runs.
var renderer = npm.Package{
	Name: "swagger-ui-dist", Version: "5.35.0",
	Integrity: "U06rpMtW9V3XPGOBeamTUSr0Z09jMX4IJuANpE/EZbAhw0G8CgwrzU4YmXkn/h0wCDNsXdGarTNNHC3sU8yVUQ==",
	Folder:    "package/", Wanted: "swagger-ui-bundle.js",
}

// rendered are the files of it that the page needs, and its licence.
var rendered = []string{"swagger-ui-bundle.js", "swagger-ui.css", "LICENSE", "NOTICE"}

//go:embed page
var pages embed.FS

// Prepare makes sure that the renderer is under cache. Site does so too, later.
func Prepare(ctx context.Context, cache string) error {
	_, err := renderer.Fetch(ctx, cache)
	return err
}

// Site writes the page that shows the calls, with all that it needs, into the folder dir.
// What "try it" does is sent to server, an address or "/" for where the page is; with ""
// the document's own servers stay. cache is where the renderer is kept once it is
// downloaded. The error is a sentence.
func Site(ctx context.Context, document []byte, server, cache, dir string) error {
	document, err := servedBy(document, server)
	if err != nil {
		return err
	}
	from, err := renderer.Fetch(ctx, cache)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, name := range rendered {
		text, err := os.ReadFile(filepath.Join(from, name))
		if err == nil {
			err = put(dir, name, text)
		}
		if err != nil {
			return err
		}
	}
	index, err := template.ParseFS(pages, "page/index.html")
	if err != nil {
		return err
	}
	var html bytes.Buffer
	if err := index.Execute(&html, reached(document)); err != nil {
		return err
	}
	script, err := pages.ReadFile("page/start.js")
	if err != nil {
		return err
	}
	for name, text := range map[string][]byte{"index.html": html.Bytes(), "start.js": script, "openapi.yaml": document} {
		if err := put(dir, name, text); err != nil {
			return err
		}
	}
	return nil
}

// put writes a file at one moment: another stack may serve the folder, or write it too.
func put(dir, name string, text []byte) error {
	file, err := os.CreateTemp(dir, ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name()) // fails where it has its name
	_, err = file.Write(text)
	err = errors.Join(err, file.Chmod(0o644), file.Close())
	if err != nil {
		return err
	}
	return os.Rename(file.Name(), filepath.Join(dir, name))
}

// servedBy is the document with one server in place of its own.
func servedBy(document []byte, server string) ([]byte, error) {
	if server == "" {
		return document, nil
	}
	if _, err := url.Parse(server); err != nil {
		return nil, fmt.Errorf("the server's address cannot be read: %w", err)
	}
	var root yaml.Node
	if err := yaml.Unmarshal(document, &root); err != nil {
		return nil, fmt.Errorf("the document cannot be read: %w", err)
	}
	plain(&root)
	var one yaml.Node
	if err := one.Encode([]map[string]string{{"url": server}}); err != nil {
		return nil, err
	}
	*value(root.Content[0], "servers") = one
	return yaml.Marshal(&root)
}

// reached are the origins that the page may ask: its own, and those of the document's
// servers. A server whose address has a part to fill in may be anywhere.
func reached(document []byte) []string {
	var said struct {
		Servers []struct {
			URL       string         `yaml:"url"`
			Variables map[string]any `yaml:"variables"`
		} `yaml:"servers"`
	}
	if yaml.Unmarshal(document, &said) != nil {
		return nil
	}
	var origins []string
	for _, server := range said.Servers {
		switch at, err := url.Parse(server.URL); {
		case len(server.Variables) > 0:
			origins = append(origins, "https:")
		case err == nil && at.Host != "":
			origins = append(origins, at.Scheme+"://"+at.Host)
		}
	}
	return origins
}
