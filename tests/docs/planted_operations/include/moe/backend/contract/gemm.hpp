static_assert(HasListed<B>, "Backend: listed(context, x) is missing or has another signature");
static_assert(HasForgotten<B>, "Backend: forgotten(context, x) is missing or has another signature");
static_assert(HasUntested<B>, "Backend: untested(context, x) is missing or has another signature");
