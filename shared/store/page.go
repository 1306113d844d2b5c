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

// page is an answer to a Query. Its items stay as they came until somebody looks at them:
// the SDK makes of each text in an item maps and values of several hundred bytes, however
// short the text is.
type page struct {
	items   []jsontext.Value // slices of one body
	decoder *jsontext.Decoder
	rest    *dynamodb.QueryOutput // the answer without its items
	size    int64                 // what the page takes of the share of memory
}

// itemBytes is about how many bytes an item of the page takes in the table, 0 when
// DynamoDB did not say. The Query must be consistent, and ask for ReturnConsumedCapacity.
func (p page) itemBytes() int64 {
	if p.rest.ConsumedCapacity == nil || p.rest.ScannedCount == 0 {
		return 0
	}
	const readUnit = 4096
	return int64(aws.ToFloat64(p.rest.ConsumedCapacity.CapacityUnits) * readUnit / float64(p.rest.ScannedCount))
}

// query reads one page, into the share of memory that ctx has, if any. Its errors are
// ErrNoRoom and the SDK's.
func query(
	ctx context.Context, db *dynamodb.Client, in *dynamodb.QueryInput, options ...func(*dynamodb.Options),
) (page, error) {
	read := &pageReader{share: shareOf(ctx)}
	out, err := db.Query(ctx, in, append(options, read.option)...)
	if errors.Is(err, ErrNoRoom) {
		return page{}, ErrNoRoom
	}
	return page{items: read.items, decoder: read.decoder, rest: out, size: read.size}, err
}

// pageReader takes the items out of an answer before the SDK sees it. It is a step of the
// client, next to the transport, and the fields from items on are what it has found.
type pageReader struct {
	share   *Share // nil: the transport has checked the answer
	items   []jsontext.Value
	decoder *jsontext.Decoder
	size    int64
}

func (p *pageReader) option(o *dynamodb.Options) {
	o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
		return stack.Deserialize.Add(p, middleware.After)
	})
}

// ID is the name of this step among the client's.
func (p *pageReader) ID() string { return "customercare.page" }

// HandleDeserialize is called by the client for every try.
func (p *pageReader) HandleDeserialize(
	ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler,
) (out middleware.DeserializeOutput, metadata middleware.Metadata, err error) {
	out, metadata, err = next.HandleDeserialize(ctx, in)
	answer, ok := out.RawResponse.(*smithyhttp.Response)
	if err != nil || !ok || answer.StatusCode != http.StatusOK {
		return out, metadata, err
	}
	defer answer.Body.Close()
	p.share.Give(p.size) // of the try before this one
	p.items, p.size = nil, 0
	body, err := p.read(answer)
	if errors.Is(err, ErrNoRoom) {
		return out, metadata, err
	}
	var rest []byte
	if err == nil {
		p.decoder = jsontext.NewDecoder(bytes.NewBuffer(body), lenient...) // it reads in place
		p.items, rest, err = cut(p.decoder, body)
	}
	if err != nil { // as an error of the connection: the SDK asks again
		return out, metadata, &smithyhttp.RequestSendError{Err: err}
	}
	answer.Header.Del("X-Amz-Crc32") // it is that of the whole
	answer.Body, answer.ContentLength = io.NopCloser(bytes.NewReader(rest)), int64(len(rest))
	return out, metadata, nil
}

// read reads the body, if there is room for it: else ErrNoRoom.
func (p *pageReader) read(answer *smithyhttp.Response) ([]byte, error) {
	n := answer.ContentLength
	if n > maxAnswer {
		return nil, errNoAnswer
	}
	size := n
	if n < 0 {
		size = LargestPage // not DynamoDB: it says how long its answers are
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
		body, err = io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	} else {
		body = make([]byte, n)
		_, err = io.ReadFull(answer.Body, body)
	}
	if err == nil && p.share != nil && !isWhole(answer.Response, body) {
		err = errNoAnswer
	}
	return body, err
}

// lenient makes the decoder take what other readers of JSON take: what stands in answers
// is DynamoDB's to decide.
var lenient = []jsontext.Options{jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true)}

// cut divides an answer into its items, and an answer without them for the SDK. All items
// are slices of body, which d reads.
func cut(d *jsontext.Decoder, body []byte) (items []jsontext.Value, rest []byte, err error) {
	if token, err := d.ReadToken(); err != nil || token.Kind() != '{' {
		return nil, nil, errNoAnswer
	}
	// next reads one value, and is the part of body that it stands in.
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

// errNotRead says that an item is none that DynamoDB would send.
var errNotRead = errors.New("store: an item cannot be read")

// each calls do for the items in order. The attribute called keep is not in item: do gets
// it as it came, nil where there is none.
func (p page) each(keep string, do func(item object, kept Stored)) error {
	for _, raw := range p.items {
		d := p.decoder
		d.Reset(bytes.NewBuffer(raw), lenient...)
		item, kept := make(object, 2), Stored(nil)
		err := within(d, '{', func() error {
			name, err := readText(d)
			if err != nil {
				return err
			}
			if name != keep {
				item[name], err = decodeValue(d)
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

// value is Stored.Value for an attribute of this page. It uses the page's own decoder.
func (p page) value(s Stored) types.AttributeValue {
	if s == nil {
		return nil
	}
	p.decoder.Reset(bytes.NewBuffer(s), lenient...)
	v, _ := decodeValue(p.decoder) // it has been read once
	return v
}

// Stored is a value as DynamoDB sent it, nil for none. That takes a fraction of the
// memory of the SDK's value.
type Stored []byte

// Value is the SDK's value, for a condition say; nil for none.
func (s Stored) Value() types.AttributeValue {
	if s == nil {
		return nil
	}
	v, _ := decodeValue(jsontext.NewDecoder(bytes.NewBuffer(s), lenient...)) // it has been read once
	return v
}

// Parties is what the function Parties reads out of the value. Only now that takes
// memory.
func (s Stored) Parties() (numbers []string, whole bool) { return Parties(s.Value()) }
