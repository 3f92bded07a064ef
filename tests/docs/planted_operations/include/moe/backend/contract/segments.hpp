static_assert(HasAlone<B>, "Backend: alone(context, x) is missing or has another signature");
