package local

import (
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
)

// port is one that others listen on, so never 0.
type port uint16

// logFormat is what goes to the terminal in place of short lines.
type logFormat string

// parameters of the template, by name. Whether the template has them is its own to say.
type parameters map[string]string

// parsers read the kinds of values in settings. An error is the end of a sentence that
// begins with the variable's name.
var parsers = map[reflect.Type]env.ParserFunc{
	reflect.TypeFor[port](): func(text string) (any, error) {
		n, err := strconv.ParseUint(text, 10, 16)
		return port(n), must(err == nil && n > 0, "be a port from 1 to 65535", text)
	},
	reflect.TypeFor[time.Duration](): func(text string) (any, error) {
		d, err := time.ParseDuration(text)
		return d, must(err == nil && d > 0, "be a duration such as 2s", text)
	},
	reflect.TypeFor[bool](): func(text string) (any, error) {
		b, err := strconv.ParseBool(text)
		return b, must(err == nil, "be 1 or 0", text)
	},
	reflect.TypeFor[logFormat](): func(text string) (any, error) {
		return logFormat(text), must(text == "json", "be json or empty", text)
	},
	reflect.TypeFor[url.URL](): func(text string) (any, error) {
		u, err := url.Parse(text)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return nil, must(false, "be an address such as http://127.0.0.1:8000", text)
		}
		return *u, nil
	},
	reflect.TypeFor[parameters](): func(text string) (any, error) {
		all := parameters{}
		var faults []string
		for pair := range strings.FieldsSeq(text) {
			name, value, ok := strings.Cut(pair, "=")
			err := must(ok && name != "", "be pairs such as WriterLifetime=2s with blanks between them", pair)
			if err != nil {
				faults = append(faults, err.Error())
			} else if _, twice := all[name]; twice {
				faults = append(faults, fmt.Sprintf("must not name %s twice", name))
			}
			all[name] = value
		}
		if faults != nil {
			return nil, errors.New(strings.Join(faults, "; "))
		}
		return all, nil
	},
}

// must gives an error unless a value is as it must be.
func must(ok bool, be, text string) error {
	if ok {
		return nil
	}
	return fmt.Errorf("must %s, not %q", be, text)
}
