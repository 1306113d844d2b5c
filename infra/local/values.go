package local

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// These are the kinds of values in settings. Each reads its own text; an error is the end
// of a sentence that begins with the variable's name.

type port int

func (p *port) UnmarshalText(text []byte) error {
	n, err := strconv.Atoi(string(text))
	if err != nil || n < 1 || n > 65535 {
		return fmt.Errorf("must be a port from 1 to 65535, not %q", text)
	}
	*p = port(n)
	return nil
}

type interval struct{ time.Duration }

func (i *interval) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	if err != nil || d <= 0 {
		return fmt.Errorf("must be a duration such as 2s, not %q", text)
	}
	i.Duration = d
	return nil
}

// address of a DynamoDB.
type address struct {
	text  string
	ofAWS bool
}

func (a *address) UnmarshalText(text []byte) error {
	u, err := url.Parse(string(text))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("must be an address such as http://127.0.0.1:8000, not %q", text)
	}
	a.text, a.ofAWS = string(text), strings.HasSuffix(u.Hostname(), ".amazonaws.com")
	return nil
}

// parameters of the template, by name. Whether the template has them is its own to say.
type parameters map[string]string

func (p *parameters) UnmarshalText(text []byte) error {
	*p = parameters{}
	var faults []string
	for pair := range strings.FieldsSeq(string(text)) {
		name, value, ok := strings.Cut(pair, "=")
		_, twice := (*p)[name]
		switch {
		case !ok || name == "":
			faults = append(faults,
				fmt.Sprintf("must be pairs such as WriterLifetime=2s with blanks between them, not %q", pair))
		case twice:
			faults = append(faults, fmt.Sprintf("must not name %s twice", name))
		}
		(*p)[name] = value
	}
	if faults != nil {
		return errors.New(strings.Join(faults, "; "))
	}
	return nil
}

type yes bool

func (y *yes) UnmarshalText(text []byte) error {
	b, err := strconv.ParseBool(string(text))
	if err != nil {
		return fmt.Errorf("must be 1 or 0, not %q", text)
	}
	*y = yes(b)
	return nil
}

// logFormat is what goes to the terminal in place of short lines.
type logFormat string

func (f *logFormat) UnmarshalText(text []byte) error {
	if *f = logFormat(text); *f != "json" {
		return fmt.Errorf("must be json or empty, not %q", text)
	}
	return nil
}
