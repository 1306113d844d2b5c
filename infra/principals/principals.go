// Package principals keeps those who may call: operators, API users and apps. It writes
// the items that the import writes, and holds to the same rules, of names and of weak
// secrets.
package principals

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
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
	// Changed is when it was given its last new secret, by the import or by this package;
	// nil where neither has since the time is kept.
	Changed *time.Time `json:"changed,omitempty"`
	Secrets int        `json:"secrets"` // that let in: two while one is being changed
	hashes  []string
}

// kinds are those of principals, in the order of a list.
var kinds = []string{operation.Operator, operation.APIUser, operation.App}

// SecretField is what the import's format calls the secret of a kind.
var SecretField = map[string]string{operation.Operator: "password", operation.APIUser: "key", operation.App: "secret"}

var (
	// ErrNone says that nobody has the kind and the name.
	ErrNone = errors.New("there is no such principal: `customercare principals list` has their names")
	// ErrThere says that somebody has the kind and the name already.
	ErrThere = errors.New("there is such a principal already:" +
		" `customercare principals rotate` gives it a new secret, `remove` takes it away")
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
	record := map[string]any{
		"kind": p.Kind, "name": p.Name, SecretField[p.Kind]: secret,
		"operations": p.Operations, "accounts": p.Accounts, "tenantId": p.Tenant, "validUntil": p.ValidUntil,
	}
	maps.DeleteFunc(record, func(_ string, value any) bool { return reflect.ValueOf(value).IsZero() })
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
// the same table and have no hashes, are none.
func (t Table) List(ctx context.Context) ([]Principal, error) {
	all := []Principal{}
	in := &dynamodb.ScanInput{
		TableName: &t.Name, ConsistentRead: aws.Bool(true), FilterExpression: aws.String("attribute_exists(hashes)"),
	}
	err := deployment.Scan(ctx, t.DB, in, func(found attribute.Item) error {
		if store.Newer(found) {
			return newer(found)
		}
		if p := read(found); slices.Contains(kinds, p.Kind) {
			all = append(all, p)
		}
		return nil
	})
	slices.SortFunc(all, func(a, b Principal) int {
		return cmp.Or(slices.Index(kinds, a.Kind)-slices.Index(kinds, b.Kind), strings.Compare(a.Name, b.Name))
	})
	return all, err
}

// Show reads one principal. ErrNone.
func (t Table) Show(ctx context.Context, kind, name string) (Principal, error) {
	found, err := deployment.Get(ctx, t.DB, t.Name, key(kind, name))
	switch {
	case err != nil:
		return Principal{}, err
	case found == nil:
		return Principal{}, ErrNone
	case store.Newer(found):
		return Principal{}, newer(found)
	}
	return read(found), nil
}

// SetDisabled lets a principal in no more, or lets it in again. ErrNone.
func (t Table) SetDisabled(ctx context.Context, kind, name string, disabled bool) error {
	update, values := "REMOVE disabled", attribute.Item{}
	if disabled {
		update = "SET disabled = :true"
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
	return t.setHashes(ctx, p, append(slices.Clone(p.hashes), hash), ", changed = :now",
		attribute.Item{":now": attribute.Number(t.Now().Unix())})
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
	return t.setHashes(ctx, p, p.hashes[p.Secrets-1:], "", attribute.Item{})
}

// setHashes puts after in place of p's hashes, and does what more of an update says with
// its values.
func (t Table) setHashes(ctx context.Context, p Principal, after []string, more string, values attribute.Item) error {
	values[":before"], values[":after"] = attribute.Texts(p.hashes...), attribute.Texts(after...)
	return t.update(ctx, p.Kind, p.Name, "SET hashes = :after"+more, "hashes = :before", values, ErrChanged)
}

// Remove deletes a principal. ErrNone.
func (t Table) Remove(ctx context.Context, kind, name string) error {
	values := attribute.Item{}
	_, err := t.DB.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: &t.Name, Key: key(kind, name),
		ConditionExpression:       aws.String(store.IfUnderstood("attribute_exists(principal)", values)),
		ExpressionAttributeValues: values, ReturnValuesOnConditionCheckFailure: allOld,
	})
	return t.failed(ctx, err, ErrNone)
}

func (t Table) update(
	ctx context.Context, kind, name, update, condition string, values attribute.Item, refused error,
) error {
	_, err := t.DB.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &t.Name, Key: key(kind, name), UpdateExpression: &update,
		ConditionExpression:       aws.String(store.IfUnderstood(condition, values)),
		ExpressionAttributeValues: values, ReturnValuesOnConditionCheckFailure: allOld,
	})
	return t.failed(ctx, err, refused)
}

// failed makes a sentence of DynamoDB's error; refused is what a condition that did not
// hold means.
func (t Table) failed(ctx context.Context, err, refused error) error {
	if conditioned, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		if store.Newer(conditioned.Item) {
			return newer(conditioned.Item)
		}
		return refused
	}
	return deployment.Explain(ctx, "the table "+t.Name, err)
}

const allOld = types.ReturnValuesOnConditionCheckFailureAllOld

// newer is store.ErrNewer of a principal.
func newer(found attribute.Item) error {
	return fmt.Errorf("%s: %w", attribute.ReadText(found, "principal"), store.ErrNewer)
}

func key(kind, name string) attribute.Item {
	return attribute.Item{"principal": attribute.Text(store.PrincipalKey(kind, name))}
}

// read makes a principal of an item, as the functions read it: what bounds it and has
// another type than ours reads as disabled.
func read(found attribute.Item) Principal {
	stored := store.ReadPrincipal(found)
	parts := append(store.SplitKey(attribute.ReadText(found, "principal")), "")
	p := Principal{
		Kind: parts[0], Name: parts[1], Tenant: stored.TenantID, Accounts: stored.Accounts, Disabled: stored.Disabled,
		Operations: stored.Operations, Secrets: len(stored.Hashes), hashes: stored.Hashes,
	}
	if p.Operations == nil {
		p.Operations = operation.Scopes(p.Kind)
	}
	if stored.ValidUntil != nil {
		until := stored.ValidUntil.UTC()
		p.ValidUntil = &until
	}
	if found[importer.Changed] != nil {
		changed := time.Unix(attribute.ReadNumber(found, importer.Changed), 0).UTC()
		p.Changed = &changed
	}
	return p
}
