package template

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/local/kms"
	"customercare/infra/local/secrets"
)

// Table is an AWS::DynamoDB::Table.
type Table struct {
	LogicalID string // its name in the template
	Name      string // its name in DynamoDB
	Create    *dynamodb.CreateTableInput
	TTL       *types.TimeToLiveSpecification // nil: items do not expire
}

// readTable reads what matters for the table's behaviour. Point-in-time recovery and
// deletion protection do not exist locally.
func (l *loader) readTable(r Resource) error {
	var p struct { // CreateTable has the names that CloudFormation has
		AttributeDefinitions    []types.AttributeDefinition
		KeySchema               []types.KeySchemaElement
		GlobalSecondaryIndexes  []types.GlobalSecondaryIndex
		StreamSpecification     *types.StreamSpecification
		TimeToLiveSpecification *types.TimeToLiveSpecification
	}
	if err := r.read(&p); err != nil {
		return err
	}
	if p.StreamSpecification != nil {
		if p.StreamSpecification.StreamViewType != types.StreamViewTypeKeysOnly {
			return errors.New("the local stack makes streams of keys only (KEYS_ONLY)")
		}
		p.StreamSpecification.StreamEnabled = aws.Bool(true)
	}
	l.template.Tables = append(l.template.Tables, Table{
		LogicalID: r.ID, Name: l.refs[r.ID], TTL: p.TimeToLiveSpecification,
		Create: &dynamodb.CreateTableInput{
			TableName: aws.String(l.refs[r.ID]), BillingMode: types.BillingModePayPerRequest,
			AttributeDefinitions: p.AttributeDefinitions, KeySchema: p.KeySchema,
			GlobalSecondaryIndexes: p.GlobalSecondaryIndexes, StreamSpecification: p.StreamSpecification,
		},
	})
	return nil
}

// readSecret reads an AWS::SecretsManager::Secret. Its text is another one each time, as
// in each deployment.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-secretsmanager-secret-generatesecretstring.html
func (l *loader) readSecret(r Resource) error {
	var p struct {
		GenerateSecretString struct {
			SecretStringTemplate, GenerateStringKey string
			PasswordLength                          int `json:",string"`
			ExcludePunctuation                      bool
		}
	}
	if err := r.read(&p); err != nil {
		return err
	}
	g := p.GenerateSecretString
	if g.SecretStringTemplate != "{}" || g.GenerateStringKey == "" || g.PasswordLength < 1 || !g.ExcludePunctuation {
		return errors.New("the local stack generates a secret of PasswordLength letters and digits only, " +
			"under GenerateStringKey in an empty SecretStringTemplate")
	}
	var password strings.Builder
	for password.Len() < g.PasswordLength {
		password.WriteString(rand.Text())
	}
	text, err := json.Marshal(map[string]string{g.GenerateStringKey: password.String()[:g.PasswordLength]})
	l.template.Secrets = append(l.template.Secrets, secrets.Secret{
		LogicalID: r.ID, Name: r.ID, ARN: l.refs[r.ID], Text: string(text),
	})
	return err
}

// readKey reads an AWS::KMS::Key that signs. Its policy means nothing here: who may call
// what is tested. One that encrypts has neither field in the template, and is left out,
// because nothing here is encrypted.
func (l *loader) readKey(r Resource) error {
	var p struct{ KeySpec, KeyUsage string }
	if err := r.read(&p); err != nil {
		return err
	}
	if p.KeySpec == "" && p.KeyUsage == "" {
		l.template.Ignored = append(l.template.Ignored, fmt.Sprintf("resource %s (%s)", r.ID, r.Type))
		return nil
	}
	if p.KeySpec != kms.Spec || p.KeyUsage != kms.Usage {
		return fmt.Errorf("the local stack knows keys of the spec %s for %s only", kms.Spec, kms.Usage)
	}
	l.template.Keys = append(l.template.Keys, r.ID)
	return nil
}
