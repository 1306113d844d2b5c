package main

import (
	"fmt"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"customercare/shared/identifier"
	"customercare/shared/respond"
)

const (
	maxNumbers     = 1000 // different ones in a call (docs/contracts.md, operation 4)
	maxNumberBytes = identifier.MaxShort
	// bodyLimit lets in every list that is allowed: each byte of a number may be written
	// as \u0031, and 128 more go to the quotes, the comma and the white space around it.
	bodyLimit = maxNumbers * (maxNumberBytes*len(`\u0031`) + 128)
)

// numbers are customer numbers in order, each once.
type numbers []string

// UnmarshalJSONFrom reads the list, or null for none. It stops at the first fault and
// never holds many more than are allowed: a body may have 300,000.
func (n *numbers) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	token, err := d.ReadToken()
	if err != nil || token.Kind() == 'n' {
		return err
	}
	if token.Kind() != '[' {
		return respond.Refuse(respond.Invalid, "customNos has a value of the wrong type")
	}
	for i := 0; ; i++ {
		if token, err = d.ReadToken(); err != nil {
			return err
		}
		if token.Kind() == ']' {
			*n = once(*n)
			return n.tooMany()
		}
		text := ""
		if token.Kind() == '"' {
			text = token.String()
		}
		if len(text) == 0 || len(text) > maxNumberBytes {
			return respond.Refuse(respond.Invalid,
				fmt.Sprintf("customNos[%d] must be a string of 1 to %d bytes", i, maxNumberBytes))
		}
		if !identifier.Sayable(text) {
			return respond.Refuse(respond.Invalid, fmt.Sprintf("customNos[%d]%s", i, identifier.Unsayable))
		}
		if *n = append(*n, text); len(*n) > 2*maxNumbers {
			if *n = once(*n); n.tooMany() != nil {
				return n.tooMany()
			}
		}
	}
}

// tooMany refuses more different numbers than a call may name.
func (n *numbers) tooMany() error {
	if len(*n) <= maxNumbers {
		return nil
	}
	return respond.Refuse(respond.Invalid,
		fmt.Sprintf("customNos holds more than %d different customer numbers", maxNumbers))
}

// once sorts numbers and leaves each one time.
func once(all numbers) numbers {
	slices.Sort(all)
	return slices.Compact(all)
}
