package store

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Principals is who may call, key principal (PrincipalKey of kind and name):
//
//	operator  passwordHash (argon2id, PHC string)
//	apiUser   keyHash (SHA-256, hex), accounts (list)
//	app       secretHash (SHA-256, hex), tenantId
//	token     appKey, tenantId, expires (Unix seconds; the table's TTL); its name is the SHA-256 of the token, hex
//
// No secret is stored in the clear.
type Principals struct {
	DB    *dynamodb.Client
	Table string
}

// Kinds of principals.
const (
	Operator = "operator"
	APIUser  = "apiUser"
	App      = "app"
	Token    = "token"
)

// PrincipalKey is the key of the principal of this kind and name.
func PrincipalKey(kind, name string) string { return JoinKey(kind, name) }

// Principal is one entry; fields that its kind does not have are empty.
type Principal struct {
	Name         string
	PasswordHash string
	KeyHash      string
	SecretHash   string
	Accounts     []string
	TenantID     string
	AppKey       string
	Expires      time.Time
}

// maxName bounds what a lookup accepts: a longer name is nobody's, and DynamoDB refuses keys beyond 2048 bytes.
const maxName = 256

// Find reads a principal by one strongly consistent read, so that a token works and a revoked one fails from the next
// call on; nil, nil when there is none.
func (p Principals) Find(ctx context.Context, kind, name string) (*Principal, error) {
	if name == "" || len(name) > maxName {
		return nil, nil
	}
	out, err := p.DB.GetItem(ctx, &dynamodb.GetItemInput{
		TableName:      &p.Table,
		ConsistentRead: aws.Bool(true),
		Key:            map[string]types.AttributeValue{"principal": text(PrincipalKey(kind, name))},
	})
	if err != nil || out.Item == nil {
		return nil, failed("principals: find", err)
	}
	item := object(out.Item)
	return &Principal{
		Name:         name,
		PasswordHash: item.text("passwordHash"),
		KeyHash:      item.text("keyHash"),
		SecretHash:   item.text("secretHash"),
		Accounts:     item.texts("accounts"),
		TenantID:     item.text("tenantId"),
		AppKey:       item.text("appKey"),
		Expires:      time.Unix(item.number("expires"), 0),
	}, nil
}

// PutToken stores a token by its hash, for the app and tenant it speaks for.
func (p Principals) PutToken(ctx context.Context, hash, appKey, tenant string, expires time.Time) error {
	_, err := p.DB.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &p.Table,
		Item: object{
			"principal": text(PrincipalKey(Token, hash)),
			"appKey":    text(appKey),
			"tenantId":  text(tenant),
			"expires":   number(expires.Unix()),
		},
	})
	return failed("principals: put token", err)
}
