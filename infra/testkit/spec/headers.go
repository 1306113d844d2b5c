package spec

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// everywhere are headers that the document does not repeat for each answer: those of
// HTTP itself, and those that docs/contracts.md has for every operation.
var everywhere = []string{
	"Cache-Control", "Connection", "Content-Length", "Content-Type", "Date",
	"Strict-Transport-Security", "X-Content-Type-Options",
}

// checkHeaders says which header of an answer its document does not know, and which one
// that it requires is missing. API Gateway adds some of its own to all answers.
func (d *Document) checkHeaders(response []string, header http.Header) error {
	known := map[string]bool{}
	headers := d.object(append(slices.Clone(response), "headers")...)
	for name := range headers {
		known[http.CanonicalHeaderKey(name)] = true
	}
	for name := range header {
		of := slices.ContainsFunc([]string{"X-Amz", "Apigw-", "Via"}, func(its string) bool { return strings.HasPrefix(name, its) })
		if !of && !slices.Contains(everywhere, name) && !known[name] {
			return fmt.Errorf("the header %s, which its document does not know", name)
		}
	}
	for name := range headers {
		place := d.follow(append(slices.Clone(response), "headers", name))
		values := header.Values(name)
		if len(values) == 0 {
			if d.object(place...)["required"] == true {
				return fmt.Errorf("without the header %s, which its document requires", name)
			}
			continue
		}
		schema, err := d.compile(append(place, "schema"))
		if err == nil {
			err = schema.Validate(strings.Join(values, ", "))
		}
		if err != nil {
			return fmt.Errorf("the header %s: %w", name, err)
		}
	}
	return nil
}
