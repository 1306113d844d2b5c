// Package stream does on one machine what Lambda's DynamoDB event source mapping does: it
// reads a table's stream, filters its records, and hands them to a function one by one,
// in order for each item, until they are done.
package stream

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-lambda-go/events"
)

// Pattern is one filter of an event source mapping, in the one form that template.yaml
// has: names of events, and for keys of the item what their text may begin with.
//
//	{"eventName": ["INSERT"],
//	 "dynamodb": {"Keys": {"erasureId": {"S": [{"prefix": "numbers-"}]}}}}
//
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html
type Pattern struct {
	EventName []string `json:"eventName"` // empty: all
	Dynamodb  struct {
		Keys map[string]struct {
			S []struct {
				Prefix string `json:"prefix"`
			}
		}
	} `json:"dynamodb"`
}

// ParsePattern reads a filter's Pattern. What has another form is refused, not ignored.
func ParsePattern(text string) (p Pattern, err error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return Pattern{}, fmt.Errorf("the local stack does not know the filter pattern %s: %w", text, err)
	}
	return p, nil
}

// matches tells whether the record has what the pattern asks for.
func (p Pattern) matches(r events.DynamoDBEventRecord) bool {
	if len(p.EventName) > 0 && !slices.Contains(p.EventName, r.EventName) {
		return false
	}
	for name, key := range p.Dynamodb.Keys {
		value, there := r.Change.Keys[name]
		begins := false
		for _, start := range key.S {
			begins = begins || there && value.DataType() == events.DataTypeString &&
				strings.HasPrefix(value.String(), start.Prefix)
		}
		if !begins {
			return false
		}
	}
	return true
}
