// Package environment is what a function finds around it: its settings, read once and in
// one place, and its way to AWS's services.
package environment

import (
	"errors"
	"fmt"
	"strings"

	"github.com/caarlos0/env/v11"
)

// Read fills settings, a pointer to a struct with `env` tags, from the environment. A
// field that is a struct is filled in the same way, so that one call reads all that a
// process needs. Its error is one sentence that names every variable that is missing or
// malformed.
func Read(settings any) error {
	err := env.Parse(settings)
	if err == nil {
		return nil
	}
	faults := []error{err}
	if all, ok := errors.AsType[env.AggregateError](err); ok {
		faults = all.Errors
	}
	sentence := make([]string, len(faults))
	for i, fault := range faults {
		sentence[i] = fault.Error()
	}
	return fmt.Errorf("the environment is not complete: %s", strings.Join(sentence, "; "))
}
