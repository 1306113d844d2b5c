package store

import (
	"cmp"
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/shared/identifier"
	"customercare/shared/operation"
)

// Principals is who may call. The key is principal (PrincipalKey of kind and name):
//
//	operator  hashes (argon2id, PHC strings)
//	apiUser   hashes (SHA-256, hex), accounts (list)
//	app       hashes (SHA-256, hex), tenantId
//	token     appKey, tenantId, expires (Unix seconds; the table's TTL)
//
// The name of a token is the SHA-256 of the token itself, hex.
//
// All but tokens may have operations (list; without it all of their kind), disabled
// (true) and validUntil (Unix seconds), and two hashes while a secret is being changed.
// No secret is stored in the clear. Failed attempts are counted in items of their own,
// see Failures.
//
// Who is a newer version's is let in by that version alone. All that look for one get
// ErrNewer, and count nothing: a right secret must not be taken for a wrong one.
type Principals struct {
	DB    *dynamodb.Client
	Table string
}

// Kinds of principals: those of callers, and the tokens that apps are given.
const (
	Operator = operation.Operator
	APIUser  = operation.APIUser
	App      = operation.App
	Token    = "token"
)

// PrincipalKey is the key of the principal of this kind and name.
func PrincipalKey(kind, name string) string { return JoinKey(kind, name) }

// Principal is one entry. Fields that its kind does not have are empty.
type Principal struct {
	Hashes     []string
	Operations []string // nil: all
	Accounts   []string
	TenantID   string
	Disabled   bool
	ValidUntil *time.Time // nil: for ever
	AppKey     string     // of a token
	Expires    time.Time  // of a token
}

// MaxName is the longest name of a principal, in bytes: a longer one is nobody's.
// DynamoDB takes no key of more than 2048 bytes.
const MaxName = identifier.MaxLong

// Find reads a principal, nil where there is none, and the failures from the address
// source, in one round trip. The reads are strongly consistent: a principal that was
// disabled fails from the next call on.
func (p Principals) Find(ctx context.Context, kind, name, source string) (*Principal, Failures, error) {
	key, failures := PrincipalKey(kind, name), failuresKey(source)
	items, err := p.get(ctx, key, failures)
	if err != nil {
		return nil, Failures{}, err
	}
	return ReadPrincipal(items[key]), readFailures(items[failures], source, key), nil
}

// FindBoth reads the operator and the API user of one name, each nil where there is none,
// and the failures for each from the address source, in one round trip as Find.
func (p Principals) FindBoth(ctx context.Context, name, source string) (both Both, err error) {
	operator, user, failures := PrincipalKey(Operator, name), PrincipalKey(APIUser, name), failuresKey(source)
	items, err := p.get(ctx, operator, user, failures)
	if err != nil {
		return Both{}, err
	}
	return Both{
		Operator: ReadPrincipal(items[operator]), APIUser: ReadPrincipal(items[user]),
		OperatorFailures: readFailures(items[failures], source, operator),
		APIUserFailures:  readFailures(items[failures], source, user),
	}, nil
}

// Both is what FindBoth reads.
type Both struct {
	Operator, APIUser                 *Principal
	OperatorFailures, APIUserFailures Failures
}

// FindToken reads a token by its hash, and the app that the token names, in one round
// trip. Each is nil where there is none.
func (p Principals) FindToken(ctx context.Context, hash, appKey string) (token, app *Principal, err error) {
	key, owner := PrincipalKey(Token, hash), PrincipalKey(App, appKey)
	items, err := p.get(ctx, key, owner)
	return ReadPrincipal(items[key]), ReadPrincipal(items[owner]), err
}

// readAttempts is how often keys are asked for that DynamoDB leaves unprocessed. It is
// less than maxAttempts because a caller waits for the answer.
const readAttempts = 10

// get reads items by their keys. What DynamoDB leaves unprocessed is asked for again.
// ErrNewer.
func (p Principals) get(ctx context.Context, keys ...string) (map[string]object, error) {
	wanted := make([]map[string]types.AttributeValue, len(keys))
	for i, key := range keys {
		wanted[i] = object{"principal": text(key)}
	}
	items, err := readItems(ctx, p.DB, "principals: find", p.Table,
		types.KeysAndAttributes{Keys: wanted, ConsistentRead: aws.Bool(true)}, readAttempts)
	if err = cmp.Or(err, unlessNewer(items...)); err != nil {
		return nil, err
	}
	found := make(map[string]object, len(keys))
	for _, item := range items {
		found[object(item).text("principal")] = item
	}
	return found, nil
}

// ReadPrincipal reads an item of the table, nil for none.
func ReadPrincipal(stored map[string]types.AttributeValue) *Principal {
	if stored == nil {
		return nil
	}
	item := object(stored)
	p := &Principal{
		Hashes: item.texts("hashes"), Operations: item.texts("operations"), Accounts: item.texts("accounts"),
		TenantID: item.text("tenantId"),
		AppKey:   item.text("appKey"), Expires: time.Unix(item.number("expires"), 0),
	}
	// What limits a principal does so also where another program has stored it as another
	// type: nobody can say what it means, so the principal cannot be used.
	if value, there := item["disabled"]; there {
		disabled, ok := value.(*types.AttributeValueMemberBOOL)
		p.Disabled = !ok || disabled.Value
	}
	if value, there := item["validUntil"]; there {
		if _, ok := value.(*types.AttributeValueMemberN); !ok {
			p.Disabled = true
		}
		until := time.Unix(item.number("validUntil"), 0)
		p.ValidUntil = &until
	}
	if _, there := item["operations"]; there && p.Operations == nil {
		p.Disabled = true
	}
	return p
}

// PutToken stores a token by its hash, for the app and the tenant that it speaks for.
func (p Principals) PutToken(ctx context.Context, hash, appKey, tenant string, expires time.Time) error {
	_, err := p.DB.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &p.Table,
		Item: Stamp(object{
			"principal": text(PrincipalKey(Token, hash)),
			"appKey":    text(appKey),
			"tenantId":  text(tenant),
			"expires":   number(expires.Unix()),
		}),
	})
	return failed("principals: put token", err)
}
