// Package principals keeps those who may call: operators, API users and apps. It writes
// the items that the import writes, and holds to the same rules, of names and of weak
// secrets.
package principals

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/attribute"
	"customercare/infra/deployment"
	"customercare/infra/importer"
	"customercare/shared/operation"
	"customercare/shared/principal"
	"customercare/shared/store"
)

// Principal is one who may call. Its secrets are stored as hashes, and never part of it.
type Principal struct {
	Kind       string     `json:"kind"` // operation.Operator, operation.APIUser or operation.App
	Name       string     `json:"name"`
	Operations []string   `json:"operations"`         // that it may call
	Accounts   []string   `json:"accounts,omitempty"` // of an API user
	Tenant     string     `json:"tenantId,omitempty"` // of an app
	Disabled   bool       `json:"disabled"`
	ValidUntil *time.Time `json:"validUntil,omitempty"` // nil: for ever
	// Changed is when it was changed last, by the import or by this package; nil where
	// neither has ever changed it since the time is kept.
	Changed *time.Time `json:"changed,omitempty"`
	Secrets int        `json:"secrets"` // that let in: two while one is being changed
	hashes  []string
}

// SecretField is what the import's format calls the secret of a kind.
var SecretField = map[string]string{operation.Operator: "password", operation.APIUser: "key", operation.App: "secret"}

var (
	// ErrNone says that nobody has the kind and the name.
	ErrNone = errors.New("there is no such principal")
	// ErrThere says that somebody has the kind and the name already.
	ErrThere = errors.New("there is such a principal already")
	// ErrChanged says that somebody else changed the principal at the same moment.
	ErrChanged = errors.New("somebody else changed it at the same moment: look at it, and try again")
	// ErrTwo and ErrOne say how many secrets let in, where another number is needed.
	ErrTwo = errors.New("two secrets let in already: take the old one away with --finish first")
	ErrOne = errors.New("one secret lets in, so there is no old one to take away")
	// ErrSame says that a new secret is the one that lets in already.
	ErrSame = errors.New("the new secret is the one that lets in already")
)

// Table is the table of principals. All errors of its methods are sentences.
type Table struct {
	DB   *dynamodb.Client
	Name string
	Now  func() time.Time
}

// Add stores a principal that is not there yet. Its Operations are those that are given,
// nil for all of its kind.
func (t Table) Add(ctx context.Context, p Principal, secret string) error {
	record := map[string]any{"kind": p.Kind, "name": p.Name, SecretField[p.Kind]: secret}
	if p.Operations != nil {
		record["operations"] = p.Operations
	}
	if p.Accounts != nil {
		record["accounts"] = p.Accounts
	}
	if p.Tenant != "" {
		record["tenantId"] = p.Tenant
	}
	if p.ValidUntil != nil {
		record["validUntil"] = p.ValidUntil.Format(time.RFC3339)
	}
	line, err := json.Marshal(record)
	if err != nil {
		return err
	}
	item, err := importer.Principal(line, t.Now())
	if err != nil {
		return err
	}
	_, err = t.DB.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &t.Name, Item: item, ConditionExpression: aws.String("attribute_not_exists(principal)"),
	})
	return t.failed(ctx, err, ErrThere)
}

// List reads all principals, by kind and name. Tokens and failed attempts, which stand in
// the same table, are none.
func (t Table) List(ctx context.Context) ([]Principal, error) {
	all := []Principal{}
	err := deployment.Scan(ctx, t.DB, &dynamodb.ScanInput{
		TableName: &t.Name, ConsistentRead: aws.Bool(true),
		FilterExpression: aws.String("begins_with(principal, :operator) OR begins_with(principal, :user)" +
			" OR begins_with(principal, :app)"),
		ExpressionAttributeValues: attribute.Item{
			":operator": attribute.Text(operation.Operator + "#"), ":user": attribute.Text(operation.APIUser + "#"),
			":app": attribute.Text(operation.App + "#"),
		},
	}, func(found attribute.Item) error {
		all = append(all, read(found))
		return nil
	})
	slices.SortFunc(all, func(a, b Principal) int {
		return cmp.Or(cmp.Compare(rank(a.Kind), rank(b.Kind)), strings.Compare(a.Name, b.Name))
	})
	return all, err
}

// Show reads one principal. ErrNone.
func (t Table) Show(ctx context.Context, kind, name string) (Principal, error) {
	found, err := deployment.Get(ctx, t.DB, t.Name, key(kind, name))
	if err == nil && found == nil {
		err = ErrNone
	}
	return read(found), err
}

// SetDisabled lets a principal in no more, or lets it in again. ErrNone.
func (t Table) SetDisabled(ctx context.Context, kind, name string, disabled bool) error {
	update := "SET changed = :now REMOVE disabled"
	values := attribute.Item{":now": attribute.Number(t.Now().Unix())}
	if disabled {
		update = "SET changed = :now, disabled = :true"
		values[":true"] = &types.AttributeValueMemberBOOL{Value: true}
	}
	return t.update(ctx, kind, name, update, "attribute_exists(principal)", values, ErrNone)
}

// Rotate puts a new secret beside the one that lets in, so that both do until Finish.
// ErrNone, ErrTwo, ErrSame, ErrChanged, or a sentence about a weak secret.
func (t Table) Rotate(ctx context.Context, kind, name, secret string) error {
	p, err := t.Show(ctx, kind, name)
	switch {
	case err != nil:
		return err
	case p.Secrets > 1:
		return ErrTwo
	}
	if err := importer.CheckSecret(SecretField[kind], name, secret); err != nil {
		return err
	}
	hash := principal.Hash(secret)
	if kind == operation.Operator {
		hash = principal.HashBeside(secret, p.hashes)
	}
	if slices.Contains(p.hashes, hash) {
		return ErrSame
	}
	return t.setHashes(ctx, p, append(slices.Clone(p.hashes), hash))
}

// Finish takes the older of two secrets away: of two that were imported, the first.
// ErrNone, ErrOne, ErrChanged.
func (t Table) Finish(ctx context.Context, kind, name string) error {
	p, err := t.Show(ctx, kind, name)
	switch {
	case err != nil:
		return err
	case p.Secrets < 2:
		return ErrOne
	}
	return t.setHashes(ctx, p, p.hashes[p.Secrets-1:])
}

func (t Table) setHashes(ctx context.Context, p Principal, after []string) error {
	return t.update(ctx, p.Kind, p.Name, "SET hashes = :after, changed = :now", "hashes = :before", attribute.Item{
		":before": attribute.Texts(p.hashes...), ":after": attribute.Texts(after...),
		":now": attribute.Number(t.Now().Unix()),
	}, ErrChanged)
}

// Remove deletes a principal. ErrNone.
func (t Table) Remove(ctx context.Context, kind, name string) error {
	_, err := t.DB.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: &t.Name, Key: key(kind, name), ConditionExpression: aws.String("attribute_exists(principal)"),
	})
	return t.failed(ctx, err, ErrNone)
}

func (t Table) update(
	ctx context.Context, kind, name, update, condition string, values attribute.Item, refused error,
) error {
	_, err := t.DB.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &t.Name, Key: key(kind, name), UpdateExpression: &update,
		ConditionExpression: &condition, ExpressionAttributeValues: values,
	})
	return t.failed(ctx, err, refused)
}

// failed makes a sentence of DynamoDB's error; refused is what a condition that did not
// hold means.
func (t Table) failed(ctx context.Context, err, refused error) error {
	if _, conditioned := errors.AsType[*types.ConditionalCheckFailedException](err); conditioned {
		return refused
	}
	return deployment.Explain(ctx, "the table "+t.Name, err)
}

func key(kind, name string) attribute.Item {
	return attribute.Item{"principal": attribute.Text(store.PrincipalKey(kind, name))}
}

// rank is the place of a kind in a list.
func rank(kind string) int {
	return slices.Index([]string{operation.Operator, operation.APIUser, operation.App}, kind)
}

// read makes a principal of an item. What bounds it and has another type than ours
// cannot be understood, and the functions let nobody in by it: so it reads as disabled.
func read(found attribute.Item) Principal {
	parts := append(store.SplitKey(attribute.ReadText(found, "principal")), "")
	p := Principal{Kind: parts[0], Name: parts[1], Tenant: attribute.ReadText(found, "tenantId")}
	p.Accounts, _ = store.Texts(found["accounts"])
	p.hashes, _ = store.Texts(found["hashes"])
	p.Secrets = len(p.hashes)
	p.Operations = operation.Scopes(p.Kind)
	understood := true
	if operations, bound := found["operations"]; bound {
		p.Operations, understood = store.Texts(operations)
	}
	if disabled, bound := found["disabled"]; bound {
		flag, ok := disabled.(*types.AttributeValueMemberBOOL)
		p.Disabled = !ok || flag.Value
	}
	if until, bound := found["validUntil"]; bound {
		_, ok := until.(*types.AttributeValueMemberN)
		p.ValidUntil, understood = seconds(found, "validUntil"), understood && ok
	}
	p.Changed = seconds(found, importer.Changed)
	p.Disabled = p.Disabled || !understood
	return p
}

// seconds is a time that is stored in Unix seconds, nil where there is none.
func seconds(found attribute.Item, name string) *time.Time {
	if found[name] == nil {
		return nil
	}
	at := time.Unix(attribute.ReadNumber(found, name), 0).UTC()
	return &at
}
