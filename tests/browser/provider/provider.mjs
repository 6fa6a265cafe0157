// A certified OpenID provider (discovery, login form, consent, signed ID tokens, logout) with
// accounts in memory: node provider.mjs PORT SITE... Any password will do; a SITE is where pages are.
import Provider from 'oidc-provider';

const [port, ...sites] = process.argv.slice(2);
const address = (email, email_verified) => ({ email, email_verified });
const accounts = {
  mira: address('mira@example.org', true),
  ken: address('Ken@Lab.example.org', true),
  outsider: address('outsider@lab.example.org.example.com', true),
  unverified: address('mira@example.org', false),
  unmarked: { email: 'mira@example.org' },
  nameless: {},
};
const back = sites.map((site) => `${site}/oauth2callback`);

const provider = new Provider(`http://localhost:${port}`, {
  clients: [{
    client_id: 'predictor',
    client_secret: 'the-secret-of-the-client',
    redirect_uris: back,
    post_logout_redirect_uris: back,
  }],
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
  conformIdTokenClaims: false, // the claims of the scopes stand in the ID token, as Streamlit reads it
  findAccount: (_, id) => accounts[id] && { accountId: id, claims: () => ({ sub: id, ...accounts[id] }) },
  cookies: { keys: ['of these tests'] },
});

provider.listen(Number(port), 'localhost', () => console.log('ready'));
