package restore

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"customercare/infra/attribute"
	"customercare/infra/deployment"
	"customercare/infra/importer"
	"customercare/shared/digest"
	"customercare/shared/store"
)

// Subject prints what the tables hold of one data subject, a page at a time, as lines for
// `customercare import`. Two kinds of lines besides are for whoever asked, and the import
// refuses them: "temporaryAllows" of a user, and "item", which has an item that the
// format cannot hold as it is stored.
type Subject struct {
	DB         *dynamodb.Client
	Tables     importer.Tables
	Digests    digest.Digester // with which Notes names an item
	Out, Notes io.Writer       // the lines; which items the format cannot hold, and why
	Progress   func()          // called for each item

	Printed map[string]int // lines by kind; those of the kind "item" are named on Notes

	position int // of the item that was read last, from 1
}

// ErrErased says that a tombstone stands in the customer's place, so that nothing of the
// customer may be shown.
var ErrErased = errors.New("the customer is being erased")

// subjectPage is how many items are read at a time. DynamoDB's own bound is 1 MB; not
// every engine on one's own machine has that.
const subjectPage = 500

// Customer prints a customer with all transactions, and the records that other programs
// have put there. ErrErased comes before any line. An erasure that begins later is the
// error of a reading that was in vain.
func (s *Subject) Customer(ctx context.Context, account, code string) error {
	erased, err := s.erased(ctx, account, code)
	switch {
	case err != nil:
		return err
	case erased:
		return ErrErased
	}
	err = s.print(ctx, s.Tables.Customers, "customer", store.CustomerKey(account, code))
	if err == nil {
		erased, err = s.erased(ctx, account, code)
	}
	if errors.Is(err, ErrErased) || erased {
		return errors.New("the customer was erased while it was printed: delete what was printed")
	}
	return err
}

// erased says whether a tombstone stands in the customer's place.
func (s *Subject) erased(ctx context.Context, account, code string) (bool, error) {
	found, err := deployment.Get(ctx, s.DB, s.Tables.Customers, attribute.Item{
		"customer": attribute.Text(store.CustomerKey(account, code)), "record": attribute.Text(store.CustomerRecord),
	})
	return err == nil && store.Tombstone(found["tombstone"]) != "", err
}

// Number prints the contacts of a number, each once.
func (s *Subject) Number(ctx context.Context, tenant, number string) error {
	return s.print(ctx, s.Tables.Contacts, "party", store.PartyKey(tenant, number))
}

// User prints a user, and in a line of their own the temporary allows that stand there,
// in force or not.
func (s *Subject) User(ctx context.Context, id string) error {
	found, err := deployment.Get(ctx, s.DB, s.Tables.Users, attribute.Item{"customerId": attribute.Text(id)})
	if err != nil || len(found) == 0 {
		return err
	}
	r, allows := readUser(found), found["tempAllows"]
	plainAllows, known := plain(allows)
	if allows != nil && !known {
		r.fault = "its temporary allows are of a type that JSON cannot hold"
	}
	if err := s.item("Users", found, r); err != nil || r.fault != "" || allows == nil {
		return err
	}
	if of, isMap := allows.(*types.AttributeValueMemberM); isMap && len(of.Value) == 0 {
		return nil // the import puts the empty map there itself
	}
	return s.write("temporaryAllows", map[string]any{"customerId": id, "tempAllows": plainAllows})
}

// print prints every item with this partition key.
func (s *Subject) print(ctx context.Context, table, name, key string) error {
	return deployment.Query(ctx, s.DB, &dynamodb.QueryInput{
		TableName: &table, ConsistentRead: aws.Bool(true), Limit: aws.Int32(subjectPage),
		KeyConditionExpression:    aws.String("#key = :key"),
		ExpressionAttributeNames:  map[string]string{"#key": name},
		ExpressionAttributeValues: attribute.Item{":key": attribute.Text(key)},
	}, func(found attribute.Item) error {
		r := read(found)
		if r.tombstone && r.fault == "" {
			return ErrErased
		}
		in := map[string]string{"customer": "Customers", "party": "Contacts"}[name]
		return s.item(in, found, r)
	})
}

// item prints one item of a table that template.yaml calls so: its line, or when that
// cannot be, the item as it is stored, which is named on Notes.
func (s *Subject) item(table string, found attribute.Item, r record) error {
	s.position++
	s.Progress()
	if r.fault == "" {
		s.count(r.kind)
		_, err := s.Out.Write(r.line)
		return err
	}
	fmt.Fprintf(s.Notes, "item %d%s: printed as it is stored: %s\n", s.position, r.named(s.Digests), r.fault)
	return s.write("item", map[string]any{"table": table, "item": jsontext.Value(attribute.AppendJSON(nil, found))})
}

// write prints a line that the import refuses.
func (s *Subject) write(kind string, fields map[string]any) error {
	s.count(kind)
	fields["kind"] = kind
	line, err := json.Marshal(fields, json.Deterministic(true))
	if err == nil {
		_, err = s.Out.Write(append(line, '\n'))
	}
	return err
}

func (s *Subject) count(kind string) {
	if s.Printed == nil {
		s.Printed = map[string]int{}
	}
	s.Printed[kind]++
}
