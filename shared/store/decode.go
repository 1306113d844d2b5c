package store

import (
	"encoding/base64"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/go-json-experiment/json/jsontext"
)

// decodeValue reads one value of any type, {"S":"text"} say. A value of a type that is
// newer than this program is nil, as it is with the SDK.
func decodeValue(d *jsontext.Decoder) (value types.AttributeValue, err error) {
	err = within(d, '{', func() error {
		kind, err := readText(d)
		if err != nil {
			return err
		}
		value, err = decodeKind(kind, d)
		return err
	})
	return value, err
}

// decodeKind reads the value behind the name of its type.
func decodeKind(kind string, d *jsontext.Decoder) (types.AttributeValue, error) {
	switch kind {
	case "S":
		v, err := readText(d)
		return &types.AttributeValueMemberS{Value: v}, err
	case "N":
		v, err := readText(d)
		return &types.AttributeValueMemberN{Value: v}, err
	case "B":
		v, err := readBinary(d)
		return &types.AttributeValueMemberB{Value: v}, err
	case "BOOL":
		v, err := readFlag(d)
		return &types.AttributeValueMemberBOOL{Value: v}, err
	case "NULL":
		v, err := readFlag(d)
		return &types.AttributeValueMemberNULL{Value: v}, err
	case "SS":
		v, err := readAll(d, readText)
		return &types.AttributeValueMemberSS{Value: v}, err
	case "NS":
		v, err := readAll(d, readText)
		return &types.AttributeValueMemberNS{Value: v}, err
	case "BS":
		v, err := readAll(d, readBinary)
		return &types.AttributeValueMemberBS{Value: v}, err
	case "L":
		v, err := readAll(d, decodeValue)
		return &types.AttributeValueMemberL{Value: v}, err
	case "M":
		v := map[string]types.AttributeValue{}
		err := within(d, '{', func() error {
			name, err := readText(d)
			if err == nil {
				v[name], err = decodeValue(d)
			}
			return err
		})
		return &types.AttributeValueMemberM{Value: v}, err
	}
	return nil, d.SkipValue()
}

// within reads an object or a list: the opening token, each member by a call of member,
// and the token that closes it.
func within(d *jsontext.Decoder, opening jsontext.Kind, member func() error) error {
	token, err := d.ReadToken()
	if err != nil || token.Kind() != opening {
		return errNotRead
	}
	for kind := d.PeekKind(); kind != '}' && kind != ']'; kind = d.PeekKind() {
		if err := member(); err != nil {
			return errNotRead
		}
	}
	if _, err = d.ReadToken(); err != nil {
		return errNotRead
	}
	return nil
}

// readAll reads a list of values of one kind.
func readAll[V any](d *jsontext.Decoder, one func(*jsontext.Decoder) (V, error)) (list []V, err error) {
	list = []V{}
	err = within(d, '[', func() error {
		v, err := one(d)
		list = append(list, v)
		return err
	})
	return list, err
}

func readText(d *jsontext.Decoder) (string, error) {
	token, err := d.ReadToken()
	if err != nil || token.Kind() != '"' {
		return "", errNotRead
	}
	return token.String(), nil
}

func readBinary(d *jsontext.Decoder) ([]byte, error) {
	s, err := readText(d)
	if err != nil {
		return nil, err
	}
	return base64.StdEncoding.DecodeString(s)
}

func readFlag(d *jsontext.Decoder) (bool, error) {
	token, err := d.ReadToken()
	if err != nil || token.Kind() != 't' && token.Kind() != 'f' {
		return false, errNotRead
	}
	return token.Bool(), nil
}
