# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection options that all modules of the collection share, and what all of them return."""

from __future__ import annotations


class ModuleDocFragment:
    """Connection options."""

    DOCUMENTATION = r"""
requirements:
  - requests >= 2.25.1
notes:
  - Environment variables and files are those of the host that the module runs on. A variable that is empty counts as not set.
  - Credentials come from one source as a whole. When any of O(auth_token), O(access_key), O(secret_key), O(security_token),
    O(username) and O(password) is given, none of these is read from the environment, from O(shared_config_file) or from
    O(credentials_file).
  - The C(.netrc) file is never used. Proxies are taken from the standard C(http_proxy), C(https_proxy) and C(no_proxy) variables,
    but never for O(metadata_endpoint).
options:
  region:
    description:
      - Region of the services, such as V(eu-west-101). It builds the endpoints, and names the project when neither
        O(project_id) nor O(project_name) is given.
      - If not set, the value of E(HUAWEICLOUD_REGION), E(HW_REGION_NAME) or E(OS_REGION_NAME) is used.
    type: str
  project_id:
    description:
      - ID of the project that owns the streams and instances. Looked up by O(project_name), or by O(region), when not set.
        Setting it saves that request.
      - If not set, the value of E(HUAWEICLOUD_SDK_PROJECT_ID), E(HW_PROJECT_ID), E(OS_PROJECT_ID) or E(OS_TENANT_ID) is used.
    type: str
  project_name:
    description:
      - Name of the project to look up, such as V(eu-west-101) or V(eu-west-101_orders).
      - If not set, the value of E(HW_PROJECT_NAME), E(OS_PROJECT_NAME) or E(OS_TENANT_NAME) is used.
    type: str
  auth_token:
    description:
      - A ready IAM token with the scope of the project.
      - If no credential is given as an option, the value of E(HW_AUTH_TOKEN) or E(OS_AUTH_TOKEN) is used.
    type: str
  access_key:
    description:
      - Access key ID. With O(secret_key), requests are signed with it (SDK-HMAC-SHA256).
      - If no credential is given as an option, the value of E(HUAWEICLOUD_SDK_AK), E(HW_ACCESS_KEY) or E(OS_ACCESS_KEY) is used.
    type: str
    aliases:
      - ak
  secret_key:
    description:
      - Secret access key that belongs to O(access_key).
      - If no credential is given as an option, the value of E(HUAWEICLOUD_SDK_SK), E(HW_SECRET_KEY) or E(OS_SECRET_KEY) is used.
    type: str
    aliases:
      - sk
  security_token:
    description:
      - Security token that goes with a temporary O(access_key).
      - If no credential is given as an option, the value of E(HUAWEICLOUD_SDK_SECURITY_TOKEN) or E(HW_SECURITY_TOKEN) is used.
    type: str
  username:
    description:
      - Name of an IAM user. With O(password) and O(domain_name) or O(domain_id), a token is obtained from IAM, and renewed once
        if it expires meanwhile.
      - If no credential is given as an option, the value of E(HW_USER_NAME) or E(OS_USERNAME) is used.
    type: str
  password:
    description:
      - Password of O(username).
      - If no credential is given as an option, the value of E(HW_USER_PASSWORD) or E(OS_PASSWORD) is used.
    type: str
  domain_name:
    description:
      - Name of the account that O(username) belongs to.
      - If not set, the value of E(HW_DOMAIN_NAME), E(OS_DOMAIN_NAME) or E(OS_USER_DOMAIN_NAME) is used.
    type: str
  domain_id:
    description:
      - ID of the account that O(username) belongs to. With O(agency_name), of the account that asks for the agency's keys, which some
        clouds demand.
      - If not set, the value of E(HUAWEICLOUD_SDK_DOMAIN_ID), E(HW_DOMAIN_ID), E(OS_DOMAIN_ID) or
        E(OS_USER_DOMAIN_ID) is used.
    type: str
  credentials_file:
    description:
      - INI file of the official SDK. Its section C([basic]) holds C(ak), C(sk), and optionally C(security_token), C(project_id),
        C(domain_id) and C(iam_endpoint).
      - If not set, the value of E(HUAWEICLOUD_SDK_CREDENTIALS_FILE) is used.
    type: path
    default: ~/.huaweicloud/credentials
  auth_type:
    description:
      - How to authenticate. V(auto) takes the first of token, access key, password and profile that is complete, options before
        environment before file.
      - V(metadata) fetches the temporary keys of the ECS that the module runs on. V(auto) never touches the metadata address.
      - If not set, the value of E(HUAWEICLOUD_AUTH_TYPE) is used.
    type: str
    default: auto
    choices:
      - auto
      - token
      - aksk
      - password
      - profile
      - metadata
  metadata_endpoint:
    description:
      - Base URL of the ECS metadata service, for O(auth_type=metadata).
      - If not set, the value of E(HUAWEICLOUD_METADATA_ENDPOINT) is used.
    type: str
    default: http://169.254.169.254
  cloud:
    description:
      - Domain of the endpoints C(https://{service}.{region}.{cloud}). When not set it is C(myhuaweicloud.eu) for the regions that
        live there (V(eu-west-101) and later ones), else C(myhuaweicloud.com).
      - If not set, the value of E(HW_CLOUD) is used.
    type: str
  dis_endpoint:
    description:
      - Full base URL of the Data Ingestion Service, in place of the one built from O(region) and O(cloud).
      - If not set, the value of E(HUAWEICLOUD_DIS_ENDPOINT) is used.
    type: str
  dms_endpoint:
    description:
      - Full base URL of the Distributed Message Service, in place of the one built from O(region) and O(cloud).
      - If not set, the value of E(HUAWEICLOUD_DMS_ENDPOINT) is used.
    type: str
  iam_endpoint:
    description:
      - Full base URL of IAM, in place of the one built from O(region) and O(cloud). A trailing C(/v3) or
        C(/v3/auth/tokens) is taken off.
      - If not set, the value of E(HUAWEICLOUD_SDK_IAM_ENDPOINT), E(HW_AUTH_URL) or E(OS_AUTH_URL) is used.
    type: str
  sts_endpoint:
    description:
      - Full base URL of the Security Token Service, in place of the one built from O(region) and O(cloud). Asked only for an agency
        with O(agency_domain_id). A trailing C(/v5) is taken off.
      - If not set, the value of E(HUAWEICLOUD_SDK_STS_ENDPOINT) is used.
    type: str
    version_added: 1.1.0
  agency_name:
    description:
      - Agency of another account, or of one's own, to act as. The credentials are used once, to obtain the agency's temporary keys;
        all else is asked with those. They are renewed when they expire within the call.
      - The account that the agency belongs to must be named by O(agency_domain_name) (the keys come from IAM v3) or O(agency_domain_id)
        (from STS v5, which takes no token and no password). Both together are refused.
      - The project is one of the agency's account. It is looked up with the agency's keys, unless O(project_id) is set.
      - If not set, the value of E(HW_ASSUME_ROLE_AGENCY_NAME) is used.
    type: str
    version_added: 1.1.0
  agency_domain_name:
    description:
      - Name of the account that O(agency_name) belongs to.
      - If not set, the value of E(HW_ASSUME_ROLE_DOMAIN_NAME) is used.
    type: str
    version_added: 1.1.0
  agency_domain_id:
    description:
      - ID of the account that O(agency_name) belongs to.
      - If not set, the value of E(HW_ASSUME_ROLE_DOMAIN_ID) is used.
    type: str
    version_added: 1.1.0
  agency_duration:
    description:
      - Life of the agency's temporary keys in seconds, from 900 to 86400, or to 43200 with O(agency_domain_id).
      - If not set, the value of E(HW_ASSUME_ROLE_DURATION) is used.
    type: int
    default: 3600
    version_added: 1.1.0
  profile:
    description:
      - Name of a profile in the file of KooCLI, O(shared_config_file). Its mode must be C(AKSK), or C(ecsAgency) for the temporary keys
        of the ECS that the module runs on.
      - It counts as V(profile) in the order of O(auth_type), before O(credentials_file). When its credentials are used, its C(region),
        C(projectId) and C(domainId) stand in for what no option and no variable gives. With O(agency_name) its C(projectId) is left
        aside.
      - With neither this nor O(shared_config_file), the file is not read.
      - If not set, the value of E(HW_PROFILE) is used.
    type: str
    version_added: 1.1.0
  shared_config_file:
    description:
      - File of KooCLI, C(~/.hcloud/config.json) if only O(profile) is set. Given without O(profile), the file's current profile is used.
      - A file whose values are encrypted is refused; C(hcloud configure set --cli-auth-encrypt=false) makes it readable.
      - If not set, the value of E(HW_SHARED_CONFIG_FILE) is used.
    type: path
    version_added: 1.1.0
  validate_certs:
    description:
      - Whether to check TLS certificates. No environment variable changes that. V(false) is for tests only, and warns.
    type: bool
    default: true
  ca_path:
    description:
      - File or folder of PEM certificates to trust in place of those that C(requests) brings along.
      - If not set, the value of E(REQUESTS_CA_BUNDLE), E(OS_CACERT), E(CURL_CA_BUNDLE) or E(SSL_CERT_FILE) is used.
    type: path
  timeout:
    description:
      - Longest silence on one request in seconds, while connecting and while reading.
    type: float
    default: 30
  total_timeout:
    description:
      - Longest time for the whole call in seconds, retries and waits included. What arrived until then is returned with the failure.
    type: float
    default: 300
  retries:
    description:
      - Attempts after the first, for each request. Only what can help is tried again, such as throttling, HTTP status 500, 502, 503
        and 504, broken connections and timeouts.
      - Refusals by throttling do not count since version 1.1.0 of this collection. They are waited for as long as O(total_timeout) allows.
    type: int
    default: 4
  concurrency:
    description:
      - Requests in flight at once, and connections opened to a service at most, from 1 to 64.
    type: int
    default: 16
"""
