// Package template reads template.yaml as far as the local stack runs it: parameters,
// conditions, intrinsic functions and Globals are resolved, and the resources become what
// the packages beside this one take. It knows what template.yaml uses and no more: the
// rest of CloudFormation and SAM is refused with an error that names it. What does not
// run locally is named in Template.Ignored.
//
// Tests of the template read it through Resources.
package template

import (
	"cmp"
	"fmt"
	"os"
	"path"
	"slices"

	"customercare/infra/local/apigateway"
	"customercare/infra/local/engine"
	"customercare/infra/local/lambda"
	"customercare/infra/local/secrets"
	"customercare/infra/local/stream"
)

// AccountID is the account of AWS's documentation.
const AccountID = "123456789012"

// Template is template.yaml as the local stack understands it, with all references
// resolved.
type Template struct {
	Parameters map[string]string // given values and defaults
	Functions  []lambda.Function
	API        apigateway.API // its Routes, Authorizers and Responses
	Tables     []Table
	Secrets    []secrets.Secret
	Keys       []string // logical ids of the keys of KMS
	Streams    []stream.Mapping
	Schedules  []Schedule
	// Ignored names what the local stack does not run, each as "<part> <name> (<type>)".
	Ignored []string
}

// Function gives the function whose code lies in functions/<folder>.
func (t *Template) Function(folder string) (lambda.Function, bool) {
	at := slices.IndexFunc(t.Functions, func(f lambda.Function) bool { return f.Folder == folder })
	if at < 0 {
		return lambda.Function{}, false
	}
	return t.Functions[at], true
}

// Settings are what differs between two stacks of one template.
type Settings struct {
	Region      string // empty: engine.Region
	TablePrefix string // in front of every table's name
	// BeyondBounds lets parameters be less than their MinValue and more than their
	// MaxValue.
	BeyondBounds bool
}

// Load reads the template at file. parameters override the defaults of the template's;
// one without a default must be given. A value that CloudFormation would refuse is
// refused.
func Load(file string, parameters map[string]string) (*Template, error) {
	return Settings{}.Load(file, parameters)
}

// Load is the function Load for a stack with these settings.
func (s Settings) Load(file string, parameters map[string]string) (*Template, error) {
	l, err := s.open(file, parameters)
	return l.template, err
}

// Resources reads all resources of the template at file whose condition holds, also those
// that the local stack does not run, with Globals laid below those of SAM. parameters
// override the defaults of the template's.
func Resources(file string, parameters map[string]string) ([]Resource, error) {
	l, err := Settings{}.open(file, parameters)
	return l.resources, err
}

// Outputs reads the outputs of the template at file whose condition holds, by their
// names. parameters override the defaults of the template's.
func Outputs(file string, parameters map[string]string) (map[string]string, error) {
	l, err := Settings{}.open(file, parameters)
	if err != nil {
		return nil, err
	}
	return l.outputs()
}

// open reads a file; with an error the loader is empty.
func (s Settings) open(file string, parameters map[string]string) (*loader, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return &loader{}, fmt.Errorf("template: %w", err)
	}
	s.Region = cmp.Or(s.Region, engine.Region)
	l, err := read(raw, parameters, s)
	if err != nil {
		return &loader{}, fmt.Errorf("%s: %w", path.Base(file), err)
	}
	return l, nil
}
