package store

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/go-json-experiment/json/jsontext"
)

// page is an answer to a Query whose items stay as they came until somebody looks at
// them: the SDK makes of each text in them maps and values of several hundred bytes,
// however short it is.
type page struct {
	items []jsontext.Value // parts of one body
	d     *jsontext.Decoder
	rest  *dynamodb.QueryOutput
	size  int64 // of the body
}

// average is about how many bytes an item of the page takes in the table, 0 when DynamoDB
// did not say. The Query must be consistent, and ask for ReturnConsumedCapacity.
func (p page) itemBytes() int64 {
	if p.rest.ConsumedCapacity == nil || p.rest.ScannedCount == 0 {
		return 0
	}
	const readUnit = 4096
	return int64(aws.ToFloat64(p.rest.ConsumedCapacity.CapacityUnits) * readUnit / float64(p.rest.ScannedCount))
}

// query reads one page, into the share of memory that ctx has, if any. Errors are the
// SDK's, or ErrNoRoom.
func query(ctx context.Context, db *dynamodb.Client, in *dynamodb.QueryInput) (page, error) {
	read := &pageReader{share: shareOf(ctx)}
	out, err := db.Query(ctx, in, read.option)
	if errors.Is(err, ErrNoRoom) {
		return page{}, ErrNoRoom
	}
	return page{items: read.items, d: read.d, rest: out, size: read.size}, err
}

// pageReader takes the items out of an answer before the SDK sees it.
type pageReader struct {
	share *Share
	items []jsontext.Value
	d     *jsontext.Decoder
	size  int64
}

func (p *pageReader) option(o *dynamodb.Options) {
	o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
		return stack.Deserialize.Add(p, middleware.After) // next to the transport
	})
}

// ID names it among the client's steps.
func (p *pageReader) ID() string { return "customercare.page" }

// HandleDeserialize is run for every attempt.
func (p *pageReader) HandleDeserialize(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (
	out middleware.DeserializeOutput, metadata middleware.Metadata, err error,
) {
	out, metadata, err = next.HandleDeserialize(ctx, in)
	answer, ok := out.RawResponse.(*smithyhttp.Response)
	if err != nil || !ok || answer.StatusCode != http.StatusOK {
		return out, metadata, err
	}
	defer answer.Body.Close()
	p.share.Give(p.size) // an attempt before this one
	p.items, p.size = nil, 0
	body, err := p.read(answer)
	if errors.Is(err, ErrNoRoom) {
		return out, metadata, err
	}
	var rest []byte
	if err == nil {
		p.d = jsontext.NewDecoder(bytes.NewBuffer(body), lenient...) // which is read in place
		p.items, rest, err = cut(p.d, body)
	}
	if err != nil { // no answer is a lost one: the SDK asks again
		return out, metadata, &smithyhttp.RequestSendError{Err: err}
	}
	answer.Header.Del("X-Amz-Crc32") // of the whole
	answer.Body, answer.ContentLength = io.NopCloser(bytes.NewReader(rest)), int64(len(rest))
	return out, metadata, nil
}

// read is the body, once there is room for it. Without a share the transport has looked
// at it.
func (p *pageReader) read(answer *smithyhttp.Response) ([]byte, error) {
	n := answer.ContentLength
	if n > mostAnswer {
		return nil, errNoAnswer
	}
	size := n
	if n < 0 {
		size = LargestPage // DynamoDB says how long its answers are
	}
	if p.share != nil {
		if !p.share.take(size) {
			return nil, ErrNoRoom
		}
		p.size = size
	}
	var err error
	var body []byte
	if n < 0 {
		body, err = io.ReadAll(io.LimitReader(answer.Body, mostAnswer+1))
	} else {
		body = make([]byte, n)
		_, err = io.ReadFull(answer.Body, body)
	}
	if err == nil && p.share != nil && !whole(answer.Response, body) {
		err = errNoAnswer
	}
	return body, err
}

// lenient takes what any reader of JSON takes: DynamoDB decides what stands in its
// answers.
var lenient = []jsontext.Options{jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true)}

// cut parts an answer into its items and an answer without any.
func cut(d *jsontext.Decoder, body []byte) (items []jsontext.Value, rest []byte, err error) {
	if token, err := d.ReadToken(); err != nil || token.Kind() != '{' {
		return nil, nil, errNoAnswer
	}
	// next is the part of the body that was read.
	next := func() (part jsontext.Value) {
		var value jsontext.Value
		if value, err = d.ReadValue(); err != nil {
			return nil
		}
		end := d.InputOffset()
		return body[end-int64(len(value)) : end : end]
	}
	rest = append(make([]byte, 0, 64), '{')
	for err == nil && d.PeekKind() != '}' {
		name := next()
		if err != nil {
			break
		}
		if string(name) != `"Items"` || d.PeekKind() != '[' {
			if len(rest) > 1 {
				rest = append(rest, ',')
			}
			rest = append(append(append(rest, name...), ':'), next()...)
			continue
		}
		_, err = d.ReadToken()
		for err == nil && d.PeekKind() != ']' {
			items = append(items, next())
		}
		if err == nil {
			_, err = d.ReadToken()
		}
	}
	if err == nil {
		_, err = d.ReadToken()
	}
	if err == nil {
		if _, err = d.ReadToken(); err == io.EOF {
			return items, append(rest, '}'), nil
		}
	}
	return nil, nil, errNoAnswer
}

// errNotRead says that an item, or a part of one, is none of DynamoDB's.
var errNotRead = errors.New("store: an item cannot be read")

// each goes through the items in order. The attribute that keep names is left as it came.
func (p page) each(keep string, do func(item object, kept Stored)) error {
	for _, raw := range p.items {
		d := p.d
		d.Reset(bytes.NewBuffer(raw), lenient...)
		item, kept := make(object, 2), Stored(nil)
		err := within(d, '{', func() error {
			name, err := readText(d)
			if err != nil {
				return err
			}
			if name != keep {
				item[name], err = attribute(d)
				return err
			}
			value, err := d.ReadValue()
			end := d.InputOffset()
			kept = Stored(raw[end-int64(len(value)) : end : end])
			return err
		})
		if err != nil {
			return err
		}
		do(item, kept)
	}
	return nil
}

// value is what a part of the page says, without a reader of its own.
func (p page) value(s Stored) types.AttributeValue {
	if s == nil {
		return nil
	}
	p.d.Reset(bytes.NewBuffer(s), lenient...)
	v, _ := attribute(p.d) // it has been read once
	return v
}

// Stored is a value as DynamoDB sent it, nil for none: it takes a fraction of the memory.
type Stored []byte

// Value is what DynamoDB compares with, nil for none.
func (s Stored) Value() types.AttributeValue {
	if s == nil {
		return nil
	}
	v, _ := attribute(jsontext.NewDecoder(bytes.NewBuffer(s), lenient...)) // it has been read once
	return v
}

// Parties is what the function Parties reads out of it. It takes the memory only now.
func (s Stored) Parties() (numbers []string, whole bool) { return Parties(s.Value()) }
