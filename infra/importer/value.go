package importer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/go-json-experiment/json/jsontext"

	"customercare/infra/attribute"
	"customercare/infra/quotas"
)

// object is a map attribute, or an item.
type object = attribute.Item

// maxDepth is how many levels of objects and arrays a line may have, itself counted.
// DynamoDB takes two more, which are kept for the map or list that the record's own
// values are put into.
const maxDepth = quotas.MaxDepth - 2

// maxValues is how many values, however deep, a line may hold. DynamoDB would take twice
// as many. A line of 1 MB can hold half a million of the smallest values, which would
// take more than 32 MB of memory.
const maxValues = 100_000

// refuse makes a refusal: a sentence about a line, fit to be shown, because it names
// fields of the formats and never a value.
func refuse(format string, args ...any) error { return fmt.Errorf(format, args...) }

// parseObject reads one line, one JSON object and nothing behind it, into attribute
// values, and counts them: RFC 8259 with valid UTF-8 and no name twice in one object.
// Numbers keep every digit or are refused.
func parseObject(line []byte) (members object, values int, err error) {
	d := jsontext.NewDecoder(bytes.NewBuffer(line))
	if d.PeekKind() != '{' {
		if _, err := d.ReadValue(); err != nil {
			return nil, 0, unreadable(d, err)
		}
		return nil, 0, refuse("the line is not a JSON object")
	}
	remaining := maxValues
	value, err := parseValue(d, &remaining)
	if err != nil {
		return nil, 0, err
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, 0, refuse("the line has content behind the JSON object")
	}
	return value.(*types.AttributeValueMemberM).Value, maxValues - remaining, nil
}

// parseValue reads the next value. It counts left down, which is how many more values the
// line may hold.
func parseValue(d *jsontext.Decoder, left *int) (types.AttributeValue, error) {
	if *left--; *left < 0 {
		return nil, refuse("%s holds more values than a record may have (%d)", place(d), maxValues)
	}
	token, err := d.ReadToken()
	if err != nil {
		return nil, unreadable(d, err)
	}
	if d.StackDepth() > maxDepth {
		return nil, refuse("%s is nested deeper than %d levels", place(d), maxDepth)
	}
	switch token.Kind() {
	case 'n':
		return &types.AttributeValueMemberNULL{Value: true}, nil
	case 't', 'f':
		return &types.AttributeValueMemberBOOL{Value: token.Bool()}, nil
	case '"':
		return attribute.Text(token.String()), nil
	case '0':
		number := token.String()
		if !quotas.Storable(number) {
			return nil, refuse("%s holds a number that DynamoDB cannot keep exactly (%d digits, 1e-130 to 1e126): "+
				"write it as a string", place(d), quotas.MaxDigits)
		}
		return &types.AttributeValueMemberN{Value: quotas.Plain(number)}, nil
	case '{':
		members := object{}
		for d.PeekKind() != '}' {
			token, err := d.ReadToken()
			if err != nil {
				return nil, unreadable(d, err)
			}
			name := token.String()
			if name == "" || len(name) > quotas.MaxName {
				return nil, refuse("%s holds an empty name, or one longer than %d bytes", place(d), quotas.MaxName)
			}
			if members[name], err = parseValue(d, left); err != nil {
				return nil, err
			}
		}
		_, err := d.ReadToken()
		return &types.AttributeValueMemberM{Value: members}, unreadable(d, err)
	default: // '[': the decoder lets nothing else stand where a value begins
		list := []types.AttributeValue{}
		for d.PeekKind() != ']' {
			member, err := parseValue(d, left)
			if err != nil {
				return nil, err
			}
			list = append(list, member)
		}
		_, err := d.ReadToken()
		return &types.AttributeValueMemberL{Value: list}, unreadable(d, err)
	}
}

// unreadable makes a refusal of the decoder's error, whose own text quotes the line.
func unreadable(d *jsontext.Decoder, err error) error {
	syntax, ok := errors.AsType[*jsontext.SyntacticError](err)
	switch {
	case err == nil:
		return nil
	case ok && errors.Is(err, jsontext.ErrDuplicateName):
		if syntax.JSONPointer.Parent() == "" {
			return refuse("%s is given twice", printable(syntax.JSONPointer.LastToken()))
		}
		return refuse("%s holds a name that is given twice", place(d))
	case ok:
		return refuse("the line is not valid JSON at byte %d", syntax.ByteOffset+1)
	default:
		return refuse("the line is not valid JSON")
	}
}

// place names the top-level field that is being read. Names further in may be personal
// data.
func place(d *jsontext.Decoder) string {
	pointer := string(d.StackPointer())
	if pointer == "" {
		return "the line"
	}
	name, _, _ := strings.Cut(pointer[1:], "/") // a name with "~" or "/" is escaped, and not printable
	return printable(name)
}

// printable is a name from the line made fit to stand in a sentence. A name that
// does not look like a field's may be a value in the wrong place, and is not shown.
func printable(name string) string {
	plain := func(r rune) bool { return r < unicode.MaxASCII && (unicode.IsLetter(r) || r == '_' || r == '-') }
	if name == "" || len(name) > 40 || strings.ContainsFunc(name, func(r rune) bool { return !plain(r) }) {
		return "a field"
	}
	return name
}
